#include <fmt/format.h>

#include "edge/features/features.h"
#include "edge/limits/client_key.h"
#include "edge/limits/connections.h"
#include "edge/limits/limiter.h"
#include "edge/limits/rate_fields.h"

// budgets = { connections = 256, requests = 600, window = "10s" }
namespace cusp::edge {

namespace {

constexpr int64_t kConnectionsMax = 1'000'000;
constexpr int64_t kRequestsMax = 1'000'000'000;
constexpr auto kWindowMin = std::chrono::milliseconds(100);
constexpr auto kWindowMax = std::chrono::hours(1);
constexpr auto kWindow = std::chrono::seconds(10);

// What one client may ask of the whole node, whichever route it asks. Cheaper than a rate limit: it
// acts before a route is looked for, and says no more than that.
class Budgets final : public Feature {
 public:
  // Null: requests are not counted.
  explicit Budgets(std::unique_ptr<Limiter> requests) : requests_(std::move(requests)) {}

  Phase phase() const override { return Phase::kAdmit; }

  Outcome act(Exchange& exchange) const override {
    if (!requests_) return Continue{};
    const std::string client = client_key(exchange.client.address);
    const auto verdict = requests_->take(client);
    if (verdict.allowed) {
      if (exchange.dry_run) requests_->give_back(client);
      exchange.explain([&] { return fmt::format("{} more requests", verdict.remaining); });
      return Continue{};
    }
    exchange.explain(
        [&] { return fmt::format("{} has used its budget up", exchange.client.address); });
    http::Response response = http::text_response(429, "Too Many Requests\n");
    response.fields.add("retry-after", fmt::format("{}", whole_seconds(verdict.retry)));
    response.fields.add("cache-control", "no-store");
    return response;
  }

 private:
  const std::unique_ptr<Limiter> requests_;
};

std::unique_ptr<Limiter> read_requests(TableReader& table) {
  const auto window_value = table.value("window");
  std::chrono::milliseconds window = kWindow;
  if (window_value) {
    window = window_value->duration().value_or(window);
    if (window < kWindowMin || window > kWindowMax) {
      window_value->error("'window' is between 100ms and 1h");
      window = kWindow;
    }
  }
  const auto requests = table.integer("requests", 1, kRequestsMax);
  if (!requests) {
    if (window_value) window_value->error("'window' goes with 'requests'");
    return nullptr;
  }
  // A bucket: what a browser asks for at once may be the budget of a whole window.
  return std::make_unique<Limiter>(LimiterOptions{.algorithm = Algorithm::kTokenBucket,
                                                  .limit = static_cast<uint32_t>(*requests),
                                                  .window = window});
}

}  // namespace

std::unique_ptr<Feature> read_budgets(const Value& value, const FeatureContext& context) {
  if (context.connections == nullptr) {
    value.error("'budgets' belongs into the node's [edge]: they are spent before the app is known");
    return nullptr;
  }
  auto table = value.table("the table 'budgets'");
  if (!table) return nullptr;
  const auto connections = table->integer("connections", 1, kConnectionsMax);
  auto requests = read_requests(*table);
  if (!table->has("connections") && !table->has("requests")) {
    table->error("'budgets' needs the key 'connections' or 'requests'");
  }
  table->finish();
  context.connections->per_client_max = static_cast<uint32_t>(connections.value_or(0));
  return std::make_unique<Budgets>(std::move(requests));
}

}  // namespace cusp::edge
