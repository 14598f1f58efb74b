#include <algorithm>

#include <fmt/format.h>

#include "edge/expression/expression.h"
#include "edge/features/features.h"
#include "edge/limits/client_key.h"
#include "edge/limits/limiter.h"
#include "edge/limits/rate_fields.h"

// [[edge.rate_limit]]
// limit = 100
// window = "1m"
// key = "ip"
namespace cusp::edge {

namespace {

constexpr int64_t kLimitMax = 1'000'000'000;
constexpr int64_t kKeysMax = 16 * 1024 * 1024;
constexpr auto kWindowMax = std::chrono::hours(24 * 31);
constexpr size_t kLimitsMax = 16;  // of one route
constexpr std::string_view kByAddress = "ip";

// One [[edge.rate_limit]].
struct Limit {
  std::string name;                // in the fields of the draft
  std::string policy;              // its member of RateLimit-Policy
  std::optional<Expression> key;   // nothing: the client's address
  std::optional<Expression> when;  // nothing: always
  bool each_route = false;
  std::unique_ptr<Limiter> limiter;

  // What the request is counted under.
  std::string key_of(Exchange& exchange) const {
    std::string value = key ? key->value(exchange) : client_key(exchange.client.address);
    // Who leaves out what the others are told apart by is still one client, and not everybody.
    const char kind = key && value.empty() ? '-' : '+';
    if (kind == '-') value = client_key(exchange.client.address);
    const std::string_view scope = each_route ? exchange.route : std::string_view();
    std::string counted;
    counted.reserve(scope.size() + 2 + value.size());
    counted.append(scope).append({'\n', kind}).append(value);
    return counted;
  }
};

class RateLimit final : public Feature {
 public:
  explicit RateLimit(std::vector<Limit> limits) : limits_(std::move(limits)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    RateFields fields;
    Taken taken;
    taken.reserve(limits_.size());
    std::string remaining;
    for (const Limit& limit : limits_) {
      if (limit.when && !limit.when->test(exchange)) continue;
      std::string key = limit.key_of(exchange);
      const auto verdict = limit.limiter->take(key);
      fields.add(limit.name, limit.policy, verdict);
      if (exchange.trail != nullptr) tell(remaining, limit, verdict.remaining);
      if (verdict.allowed) {
        taken.emplace_back(&limit, std::move(key));
        continue;
      }
      give_back(taken);
      fields.write(exchange);
      exchange.explain([&] { return fmt::format("'{}' is used up", limit.name); });
      return refusal(verdict.retry);
    }
    if (exchange.dry_run) give_back(taken);
    fields.write(exchange);
    exchange.explain([&] { return std::move(remaining); });
    return Continue{};
  }

 private:
  using Taken = std::vector<std::pair<const Limit*, std::string>>;  // with the key

  static void tell(std::string& text, const Limit& limit, uint32_t remaining) {
    text += fmt::format("{}{}: {} of {} remain", text.empty() ? "" : ", ", limit.name, remaining,
                        limit.limiter->options().quota());
  }

  static void give_back(const Taken& taken) {
    for (const auto& [limit, key] : taken) limit->limiter->give_back(key);
  }

  static http::Response refusal(std::chrono::nanoseconds retry) {
    http::Response response = http::text_response(429, "Too Many Requests\n");
    response.fields.add("retry-after", fmt::format("{}", whole_seconds(retry)));
    response.fields.add("cache-control", "no-store");
    return response;
  }

  const std::vector<Limit> limits_;
};

std::string read_name(TableReader& table, size_t index) {
  const auto value = table.value("name");
  std::string name = value ? value->string().value_or("") : fmt::format("limit{}", index + 1);
  const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; };
  if (value && (name.empty() || !std::ranges::all_of(name, plain))) {
    value->error("'name' is a word of printable ASCII without quotes");
  }
  return name;
}

void read_window(TableReader& table, LimiterOptions& options) {
  const auto value = table.value("window");
  if (!value) {
    table.error(fmt::format("{} needs the key 'window', such as \"1m\"", table.what()));
    return;
  }
  const auto window = value->duration();
  if (!window) return;
  if (window->count() < 100 || *window > kWindowMax) {
    value->error("'window' is between 100ms and 31 days");
    return;
  }
  options.window = *window;
}

LimiterOptions read_options(TableReader& table) {
  LimiterOptions options;
  const auto limit = table.integer("limit", 1, kLimitMax);
  if (!table.has("limit")) table.error(fmt::format("{} needs the key 'limit'", table.what()));
  options.limit = static_cast<uint32_t>(limit.value_or(1));
  read_window(table, options);
  if (const auto value = table.value("algorithm")) {
    const std::string name = value->string().value_or("sliding_window");
    if (name == "token_bucket") {
      options.algorithm = Algorithm::kTokenBucket;
    } else if (name != "sliding_window") {
      value->error("'algorithm' is \"sliding_window\" or \"token_bucket\"");
    }
  }
  if (const auto value = table.value("burst")) {
    options.burst = static_cast<uint32_t>(value->integer(1, kLimitMax).value_or(1));
    if (options.algorithm != Algorithm::kTokenBucket) {
      value->error("'burst' goes with algorithm = \"token_bucket\"");
    }
  }
  const auto keys = table.integer("keys", 64, kKeysMax);
  options.keys_max = static_cast<size_t>(keys.value_or(options.keys_max));
  return options;
}

Limit read_limit(TableReader& table, size_t index) {
  Limit limit{.name = read_name(table, index)};
  limit.limiter = std::make_unique<Limiter>(read_options(table));
  limit.policy = RateFields::policy_of(limit.name, limit.limiter->options());
  if (const auto value = table.value("key")) {
    const auto text = value->string();
    if (text && *text != kByAddress) limit.key = read_expression(*value);
  }
  if (const auto value = table.value("when")) limit.when = read_condition(*value);
  if (const auto value = table.value("scope")) {
    const std::string scope = value->string().value_or("app");
    limit.each_route = scope == "route";
    if (!limit.each_route && scope != "app") value->error("'scope' is \"app\" or \"route\"");
  }
  table.finish();
  return limit;
}

}  // namespace

std::unique_ptr<Feature> read_rate_limit(const Value& value, const FeatureContext&) {
  const std::vector<Value> elements = value.is_table() ? std::vector{value} : value.elements();
  if (elements.empty() && value.is_array()) value.error("'rate_limit' needs a limit");
  if (elements.size() > kLimitsMax) {
    value.error(fmt::format("'rate_limit' takes at most {} limits", kLimitsMax));
  }
  std::vector<Limit> limits;
  for (const Value& element : elements) {
    auto table = element.table("'rate_limit'");
    if (!table) continue;
    limits.push_back(read_limit(*table, limits.size()));
    const auto same = [&](const Limit& other) { return other.name == limits.back().name; };
    if (std::ranges::count_if(limits, same) > 1) {
      element.error(fmt::format("two limits are named '{}'", limits.back().name));
    }
  }
  return std::make_unique<RateLimit>(std::move(limits));
}

}  // namespace cusp::edge
