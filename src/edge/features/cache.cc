#include "edge/cache/cache.h"

#include <charconv>

#include <fmt/format.h>

#include "edge/features/features.h"
#include "io/asio.h"

// cache = true, or
// cache = { ttl = "1m", status_ttl = { 404 = "10s" }, grace = "1h", query = { ignore = ["utm_*"] }
// }
namespace cusp::edge {

namespace {

constexpr std::string_view kCacheName = "cusp";  // in Cache-Status (RFC 9211 section 2)

// Taken out of responses on their way to clients: they speak to this cache. CDN-Cache-Control
// stays, there may be another CDN in front (RFC 9213 section 3.1).
constexpr std::string_view kForCaches[] = {"surrogate-key", "cache-tag", "surrogate-control"};

cache::Seconds read_seconds(TableReader& table, std::string_view key) {
  const auto value = table.value(key);
  if (!value) return {};
  return std::chrono::duration_cast<cache::Seconds>(
      value->duration().value_or(std::chrono::milliseconds(0)));
}

std::map<uint16_t, cache::Seconds> read_status_ttl(TableReader& table) {
  std::map<uint16_t, cache::Seconds> ttls;
  auto reader = table.table("status_ttl");
  if (!reader) return ttls;
  for (const auto& entry : reader->entries()) {
    uint16_t status = 0;
    const char* end = entry.key.data() + entry.key.size();
    const auto [read, error] = std::from_chars(entry.key.data(), end, status);
    if (error != std::errc() || read != end || status < 200 || status > 599) {
      entry.value.error(fmt::format("'{}' is not a status code of a response", entry.key));
    }
    const auto ttl = entry.value.duration().value_or(std::chrono::milliseconds(0));
    ttls[status] = std::chrono::duration_cast<cache::Seconds>(ttl);
  }
  return ttls;
}

std::vector<std::string> read_variance(TableReader& table) {
  std::vector<std::string> names;
  const auto value = table.value("vary_by");
  if (!value) return names;
  for (std::string& name : value->strings()) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!http::valid_field_name(name)) {
      value->error(fmt::format("'{}' is not the name of a header field", name));
    }
    names.push_back(std::move(name));
  }
  return names;
}

cache::Policy read_policy(TableReader& table, const FeatureContext& context) {
  cache::Policy policy{.name_space = context.app};
  policy.default_ttl = read_seconds(table, "ttl");
  policy.status_ttl = read_status_ttl(table);
  policy.heuristics = table.boolean("heuristics").value_or(true);
  policy.stale_while_revalidate = read_seconds(table, "stale_while_revalidate");
  policy.grace = read_seconds(table, "grace");
  if (auto query = table.table("query")) {
    policy.query_keep = query->strings("keep");
    policy.query_ignore = query->strings("ignore");
    policy.query_sort = query->boolean("sort").value_or(false);
    query->finish();
  }
  policy.variance = read_variance(table);
  policy.ignore_client_no_cache = table.boolean("ignore_client_no_cache").value_or(false);
  if (const auto size = table.value("object_size")) {
    policy.object_bytes_max = size->bytes().value_or(policy.object_bytes_max);
  }
  return policy;
}

// Answers from the cache, or asks the origin through it.
class CacheFeature final : public Feature {
 public:
  CacheFeature(cache::Cache& cache, cache::Policy policy, bool tells)
      : cache_(cache), policy_(std::move(policy)), tells_(tells) {}

  Phase phase() const override { return Phase::kLookup; }

  Outcome act(Exchange& exchange) const override {
    cache::Status status;
    auto response = cache_.try_hit(exchange.request, policy_, status);
    if (!response) {
      exchange.explain([] { return "nothing fresh is in memory: the origin may be asked"; });
      return Wait{};
    }
    return finish(exchange, std::move(*response), status);
  }

  io::Task<Outcome> act_later(Exchange& exchange) const override {
    cache::Status status;
    auto response = co_await cache_.respond(exchange.request, policy_, exchange.origin, status);
    co_return finish(exchange, std::move(response), status);
  }

 private:
  Outcome finish(Exchange& exchange, http::Response response, const cache::Status& status) const {
    for (const auto name : kForCaches) response.fields.remove(name);
    if (status.made_of) exchange.stored.emplace(cache_, status.made_of, response.body.get());
    if (tells_) response.fields.add("cache-status", to_field(status, kCacheName));
    exchange.explain([&] { return to_field(status, kCacheName); });
    return response;
  }

  cache::Cache& cache_;
  const cache::Policy policy_;
  const bool tells_;
};

}  // namespace

std::unique_ptr<Feature> read_cache(const Value& value, const FeatureContext& context) {
  cache::Policy policy{.name_space = context.app};
  bool tells = true;
  if (!value.is_boolean()) {
    auto table = value.table("the table 'cache'");
    if (!table) return nullptr;
    policy = read_policy(*table, context);
    tells = table->boolean("status_field").value_or(true);
    table->finish();
  }
  if (context.cache == nullptr) {
    value.error("'cache' needs the node's cache, and this is not a node");
    return nullptr;
  }
  return std::make_unique<CacheFeature>(*context.cache, std::move(policy), tells);
}

}  // namespace cusp::edge
