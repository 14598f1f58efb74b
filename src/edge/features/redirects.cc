#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "edge/features/config_file.h"
#include "edge/features/features.h"
#include "edge/features/path_rule.h"
#include "edge/features/redirect_map.h"
#include "edge/host_name.h"

// [[edge.redirects]]
// from = "/blog/:year/*"
// to = "/archive/:year/*"
// status = 308
//
// [[edge.redirects]]
// map = "redirects.csv"
namespace cusp::edge {

namespace {

constexpr uint16_t kStatusDefault = 302;

struct Location {
  std::string url;
  uint16_t status;
};

struct Redirect {
  RequestConditions conditions;
  std::variant<PathRule, RedirectMap> rule;
  uint16_t status;
  bool keep_query;

  std::optional<Location> apply(std::string_view path, std::string_view query) const {
    if (const auto* single = std::get_if<PathRule>(&rule)) {
      auto url = single->apply(path, query);
      return url ? std::optional(Location{std::move(*url), status}) : std::nullopt;
    }
    return look_up(std::get<RedirectMap>(rule), path, query);
  }

 private:
  // An entry that names the query goes before one for the path alone.
  std::optional<Location> look_up(const RedirectMap& map, std::string_view path,
                                  std::string_view query) const {
    if (!query.empty()) {
      if (const auto hit = map.find(fmt::format("{}?{}", path, query))) {
        return Location{std::string(hit->to), hit->status};
      }
    }
    const auto hit = map.find(path);
    if (!hit) return std::nullopt;
    return Location{keep_query ? with_query(hit->to, query) : std::string(hit->to), hit->status};
  }
};

// Whether `url` is what was asked for: a client that followed it would come back.
bool leads_to_itself(std::string_view url, const http::Request& request) {
  url = url.substr(0, url.find('#'));
  if (url.starts_with('/')) return url == request.target;
  const size_t host_at = url.find("://") + 3;
  const size_t host_end = std::min(url.find_first_of("/?", host_at), url.size());
  return url.substr(0, host_at - 3) == request.scheme &&
         host_name(url.substr(host_at, host_end - host_at)) == host_name(request.authority) &&
         url.substr(host_end) == request.target;
}

class Redirects final : public Feature {
 public:
  explicit Redirects(std::vector<Redirect> rules) : rules_(std::move(rules)) {}

  Phase phase() const override { return Phase::kRoute; }

  Outcome act(Exchange& exchange) const override {
    for (const Redirect& rule : rules_) {
      auto location = rule.apply(exchange.path(), exchange.query());
      if (!location || !rule.conditions.hold(exchange)) continue;
      if (leads_to_itself(location->url, exchange.request)) {
        exchange.explain([] { return "a redirect would lead to the same URL and is left out"; });
        continue;
      }
      exchange.explain([&] { return fmt::format("to {}", location->url); });
      auto response = http::text_response(location->status, "");
      response.fields.add("location", location->url);
      return response;
    }
    return Continue{};
  }

  // Where a request goes on to from `path` by rules that hold for all requests; nothing when it
  // stays.
  std::optional<std::string> next(std::string_view path) const {
    for (const Redirect& rule : rules_) {
      if (!rule.conditions.none()) continue;
      const auto location = rule.apply(path, "");
      if (!location) continue;
      std::string url = location->url.substr(0, location->url.find('#'));
      if (url != path) return url;
    }
    return std::nullopt;
  }

 private:
  const std::vector<Redirect> rules_;
};

// What is found without a request: a path that is redirected for ever. Conditions are left out,
// because they may part the ways.
void check_circles(const Value& value, const Redirects& redirects,
                   const std::vector<std::string>& samples) {
  for (const std::string& sample : samples) {
    std::optional<std::string> path = sample;
    for (size_t i = 0; path && i <= kRedirectsInRowMax; ++i) {
      path = redirects.next(path->substr(0, path->find('?')));
    }
    if (!path) continue;
    value.error(fmt::format("the redirect of '{}' leads in circles, or on more than {} times",
                            sample, kRedirectsInRowMax));
  }
}

std::optional<RedirectMap> read_map(const Value& value, const FeatureContext& context,
                                    uint16_t status) {
  auto text = read_config_file(value, context, kRedirectMapBytesMax);
  if (!text) return std::nullopt;
  auto map = RedirectMap::parse(std::move(*text), *value.string(), status);
  if (!map) value.error(map.error().message);
  if (!map) return std::nullopt;
  return std::move(*map);
}

uint16_t read_status(TableReader& table) {
  const auto value = table.value("status");
  if (!value) return kStatusDefault;
  const auto status = value->integer(300, 399).value_or(kStatusDefault);
  if (!is_redirect_status(status)) value->error("'status' must be 301, 302, 303, 307 or 308");
  return static_cast<uint16_t>(status);
}

std::optional<Redirect> read_redirect(TableReader& table, const FeatureContext& context,
                                      std::vector<std::string>& samples) {
  auto conditions = RequestConditions::read(table);
  const uint16_t status = read_status(table);
  const auto map_value = table.value("map");
  if (map_value) {
    const bool keep_query = read_keep_query(table);
    table.finish();
    auto map = read_map(*map_value, context, status);
    if (!map) return std::nullopt;
    return Redirect{std::move(conditions), std::move(*map), status, keep_query};
  }
  auto rule = PathRule::read(table);
  table.finish();
  if (!rule) return std::nullopt;
  if (conditions.none()) samples.push_back(rule->from.sample());
  const bool keep_query = rule->keep_query;
  return Redirect{std::move(conditions), std::move(*rule), status, keep_query};
}

}  // namespace

std::unique_ptr<Feature> read_redirects(const Value& value, const FeatureContext& context) {
  std::vector<Redirect> rules;
  std::vector<std::string> samples;
  for (TableReader& table : read_tables(value, "[[edge.redirects]]")) {
    auto rule = read_redirect(table, context, samples);
    if (rule) rules.push_back(std::move(*rule));
  }
  if (rules.size() > kRulesMax) {
    value.error(fmt::format("more than {} redirects; put them into a map", kRulesMax));
  }
  auto redirects = std::make_unique<Redirects>(std::move(rules));
  check_circles(value, *redirects, samples);
  return redirects;
}

}  // namespace cusp::edge
