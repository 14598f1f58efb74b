#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "edge/features/features.h"
#include "edge/negotiation.h"

// cors = { origins = ["https://*.example.com"], methods = ["GET", "PUT"], credentials = true }
//
// WHATWG Fetch, section 3.3 (the CORS protocol). Acts before redirects and authentication, because
// a preflight may neither be redirected nor carry credentials.
namespace cusp::edge {

namespace {

constexpr size_t kRequestedHeadersMax = 100;

// Methods that need no permission (Fetch: CORS-safelisted method).
constexpr std::array kSafelistedMethods = std::to_array<std::string_view>({"GET", "HEAD", "POST"});

struct Policy {
  bool any_origin = false;
  std::vector<std::string> origins;   // "https://a.example"
  std::vector<std::string> prefixes;  // of "https://*.example.com": "https://",
  std::vector<std::string> suffixes;  // and ".example.com", at the same place
  std::vector<std::string> methods;   // "*": all
  std::vector<std::string> headers;   // in lower case; "*": all but authorization
  std::string expose;
  bool credentials = false;
  bool private_network = false;
  int64_t max_age_s = 5;  // what Fetch takes where nothing is said
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

bool holds(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

std::string join(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ", "));
}

// What stands for "*" in "https://*.example.com": labels, so that no path, user or port can pose as
// one.
bool is_labels(std::string_view text) {
  return !text.empty() && !text.starts_with('.') && std::ranges::all_of(text, [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '.';
  });
}

bool allows_origin(const Policy& policy, std::string_view origin) {
  if (policy.any_origin || holds(policy.origins, origin)) return true;
  for (size_t i = 0; i < policy.prefixes.size(); ++i) {
    const auto& prefix = policy.prefixes[i];
    const auto& suffix = policy.suffixes[i];
    if (origin.size() <= prefix.size() + suffix.size()) continue;
    if (!origin.starts_with(prefix) || !origin.ends_with(suffix)) continue;
    const size_t size = origin.size() - prefix.size() - suffix.size();
    if (is_labels(origin.substr(prefix.size(), size))) return true;
  }
  return false;
}

bool allows_method(const Policy& policy, std::string_view method) {
  return std::ranges::find(kSafelistedMethods, method) != kSafelistedMethods.end() ||
         holds(policy.methods, method) || holds(policy.methods, "*");
}

// The requested names in lower case when all of them may be sent, each once; nothing otherwise.
std::optional<std::vector<std::string>> allowed_headers(const Policy& policy,
                                                        std::string_view requested) {
  std::vector<std::string> names;
  while (!requested.empty()) {
    const size_t end = std::min(requested.find(','), requested.size());
    std::string name = lower(requested.substr(0, end));
    requested.remove_prefix(std::min(end + 1, requested.size()));
    name.erase(0, name.find_first_not_of(" \t"));
    name.erase(name.find_last_not_of(" \t") + 1);
    if (name.empty() || holds(names, name)) continue;
    const bool wildcard = holds(policy.headers, "*") && name != "authorization";
    const bool allowed = http::valid_field_name(name) && (wildcard || holds(policy.headers, name));
    if (!allowed || names.size() == kRequestedHeadersMax) return std::nullopt;
    names.push_back(std::move(name));
  }
  return names;
}

class Cors final : public Feature {
 public:
  explicit Cors(Policy policy) : policy_(std::move(policy)) {}

  Phase phase() const override { return Phase::kRoute; }

  Outcome act(Exchange& exchange) const override {
    const http::Fields& fields = exchange.request.fields;
    const auto origin = fields.get("origin");
    // A response for everybody says so to everybody: caches need not tell them apart.
    if (policy_.any_origin) allow_origin(exchange, "*");
    if (!origin) return Continue{};
    const bool allowed = fields.count("origin") == 1 && allows_origin(policy_, *origin);
    exchange.explain(
        [&] { return allowed ? "the origin is allowed" : "the origin is not allowed"; });
    if (allowed && !policy_.any_origin) allow_origin(exchange, *origin);
    const auto method = fields.get("access-control-request-method");
    if (exchange.request.method != "OPTIONS" || !method) return Continue{};
    return allowed ? answer_preflight(exchange, *method) : refuse("the origin");
  }

  // The edge alone says who may read: what an origin server says of it is taken out.
  void deliver(Exchange&, http::Response& response) const override {
    response.fields.remove("access-control-allow-origin");
    response.fields.remove("access-control-allow-credentials");
    if (!policy_.expose.empty()) response.fields.remove("access-control-expose-headers");
    if (!policy_.any_origin) add_vary(response.fields, "origin");
  }

 private:
  void allow_origin(Exchange& exchange, std::string_view origin) const {
    http::Fields& fields = exchange.response_fields;
    fields.set("access-control-allow-origin", origin);
    if (policy_.credentials) fields.set("access-control-allow-credentials", "true");
    if (!policy_.expose.empty()) fields.set("access-control-expose-headers", policy_.expose);
  }

  static http::Response refuse(std::string_view what) {
    http::Response response = http::text_response(
        403, fmt::format("The CORS policy does not allow {} of this request.\n", what));
    vary_by_preflight(response.fields);
    return response;
  }

  static void vary_by_preflight(http::Fields& fields) {
    add_vary(fields, "access-control-request-method");
    add_vary(fields, "access-control-request-headers");
  }

  http::Response answer_preflight(Exchange& exchange, std::string_view method) const {
    const http::Fields& asked = exchange.request.fields;
    if (!allows_method(policy_, method)) return refuse("the method");
    const auto headers =
        allowed_headers(policy_, asked.get_all("access-control-request-headers").value_or(""));
    if (!headers) return refuse("the header fields");
    const bool private_network = asked.get("access-control-request-private-network") == "true";
    if (private_network && !policy_.private_network) return refuse("the private network");
    http::Response response{.status = 204};
    http::Fields& fields = response.fields;
    fields.add("access-control-allow-methods", holds(policy_.methods, "*") && is_token(method)
                                                   ? std::string(method)
                                                   : join(policy_.methods));
    if (!headers->empty()) fields.add("access-control-allow-headers", join(*headers));
    fields.add("access-control-max-age", fmt::format("{}", policy_.max_age_s));
    if (private_network) fields.add("access-control-allow-private-network", "true");
    vary_by_preflight(fields);
    return response;
  }

  static bool is_token(std::string_view method) { return http::valid_field_name(lower(method)); }

  const Policy policy_;
};

// Takes an origin as browsers write it: lower case, no path, no port that is the scheme's own.
bool is_origin(std::string_view text) {
  const size_t colon = text.find("://");
  if (colon == text.npos || colon == 0) return false;
  const std::string_view scheme = text.substr(0, colon);
  const std::string_view host = text.substr(colon + 3);
  const bool own_port =
      (scheme == "https" && host.ends_with(":443")) || (scheme == "http" && host.ends_with(":80"));
  return !host.empty() && !own_port && std::ranges::all_of(text, [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || std::string_view(":/.-[]+*").contains(c);
  }) && host.find('/') == host.npos;
}

void read_origin(const Value& value, const std::string& origin, Policy& policy) {
  const size_t star = origin.find('*');
  const bool one_star = star == origin.npos || origin.find('*', star + 1) == origin.npos;
  if (origin == "*") {
    policy.any_origin = true;
  } else if (origin == "null") {
    policy.origins.push_back(origin);
  } else if (!is_origin(origin) || !one_star) {
    value.error(fmt::format(
        "'{}' is not an origin such as \"https://example.com\", as browsers write it", origin));
  } else if (star == origin.npos) {
    policy.origins.push_back(origin);
  } else if (!origin.substr(0, star).ends_with("://") || origin.substr(star + 1, 1) != "." ||
             origin.find('.', star + 2) == origin.npos) {
    value.error(fmt::format("the '*' of '{}' must stand as in \"https://*.example.com\"", origin));
  } else {
    policy.prefixes.push_back(origin.substr(0, star));
    policy.suffixes.push_back(origin.substr(star + 1));
  }
}

std::vector<std::string> read_tokens(TableReader& table, std::string_view key, bool lower_case) {
  std::vector<std::string> tokens;
  const auto value = table.value(key);
  if (!value) return tokens;
  for (const std::string& token : value->strings()) {
    if (!http::valid_field_name(lower(token))) {
      value->error(fmt::format("'{}' cannot stand in '{}'", token, key));
    }
    tokens.push_back(lower_case ? lower(token) : token);
  }
  return tokens;
}

}  // namespace

std::unique_ptr<Feature> read_cors(const Value& value, const FeatureContext&) {
  auto table = value.table();
  if (!table) return nullptr;
  Policy policy;
  if (const auto origins = table->value("origins")) {
    for (const auto& origin : origins->one_or_many_strings()) read_origin(*origins, origin, policy);
  }
  const bool some = policy.any_origin || !policy.origins.empty() || !policy.prefixes.empty();
  policy.methods = read_tokens(*table, "methods", false);
  if (policy.methods.empty()) policy.methods = {"GET", "HEAD", "POST"};
  policy.headers = read_tokens(*table, "headers", true);
  policy.expose = join(read_tokens(*table, "expose", true));
  policy.credentials = table->boolean("credentials").value_or(false);
  policy.private_network = table->boolean("private_network").value_or(false);
  if (const auto age = table->value("max_age")) {
    policy.max_age_s = std::chrono::floor<std::chrono::seconds>(
                           age->duration().value_or(std::chrono::milliseconds(0)))
                           .count();
  }
  table->finish();
  if (!some) value.error("'cors' needs 'origins', such as [\"https://example.com\"]");
  if (policy.credentials && (policy.any_origin || holds(policy.origins, "null"))) {
    value.error("with 'credentials' the origins must be named: neither \"*\" nor \"null\"");
  }
  return std::make_unique<Cors>(std::move(policy));
}

}  // namespace cusp::edge
