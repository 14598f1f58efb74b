#include "edge/pipeline.h"

#include <ranges>

#include <fmt/format.h>

#include "io/asio.h"

namespace cusp::edge {

namespace {

using Clock = std::chrono::steady_clock;

std::string verdict_of(const std::optional<http::Response>& response) {
  return response ? fmt::format("answers {}", response->status) : "lets it pass";
}

// Notes what was done, by a feature or (empty) by the phase itself, since `start`.
void note(Exchange& exchange, Phase phase, std::string_view feature, Clock::time_point start,
          const std::optional<http::Response>& response) {
  if (exchange.trail == nullptr) return;
  std::string verdict = verdict_of(response);
  if (!exchange.verdict.empty()) verdict += ": " + std::exchange(exchange.verdict, {});
  exchange.trail->steps.push_back({.phase = phase,
                                   .feature = std::string(feature),
                                   .verdict = std::move(verdict),
                                   .took = Clock::now() - start});
}

Clock::time_point now_if_told(const Exchange& exchange) {
  return exchange.trail != nullptr ? Clock::now() : Clock::time_point();
}

void deliver(Exchange& exchange, const Plan& plan, http::Response& response) {
  for (const Plan::Entry& entry : std::views::reverse(plan.entries())) {
    entry.feature->deliver(exchange, response);
  }
}

void identify(Exchange& exchange) {
  const http::Connection* connection = exchange.request.connection;
  if (connection == nullptr) return;
  exchange.client.address = connection->remote_address();
  exchange.client.port = connection->remote_port();
}

// One entry for each step; `dur` is in milliseconds (W3C Server Timing, section 3).
void add_server_timing(const Trail& trail, http::Response& response) {
  std::string value;
  for (const Trail::Step& step : trail.steps) {
    if (!value.empty()) value += ", ";
    const std::string_view phase = to_string(step.phase);
    const double milliseconds = std::chrono::duration<double, std::milli>(step.took).count();
    value += step.feature.empty() ? std::string(phase) : fmt::format("{}-{}", phase, step.feature);
    value += fmt::format(";dur={:.3f}", milliseconds);
  }
  if (!value.empty()) response.fields.add("server-timing", value);
}

}  // namespace

// Lets the features of some phases act, in order, until one answers.
io::Task<std::optional<http::Response>> Pipeline::act(Exchange& exchange, const Plan& plan,
                                                      Phase first, Phase last) {
  for (const Plan::Entry& entry : plan.entries()) {
    if (entry.phase < first || entry.phase > last) continue;
    const auto start = now_if_told(exchange);
    Outcome outcome = entry.feature->act(exchange);
    const bool waits = std::holds_alternative<Wait>(outcome);
    if (waits && !(exchange.dry_run && entry.phase == Phase::kLookup)) {
      outcome = co_await entry.feature->act_later(exchange);
    }
    std::optional<http::Response> response;
    if (auto* answer = std::get_if<http::Response>(&outcome)) response = std::move(*answer);
    note(exchange, entry.phase, entry.key, start, response);
    if (response) co_return response;
  }
  co_return std::nullopt;
}

io::Task<http::Response> Pipeline::answer(Exchange& exchange, const Plan& node_plan) {
  if (!node_plan.empty()) {
    auto response = co_await act(exchange, node_plan, Phase::kAdmit, Phase::kIdentify);
    if (response) co_return std::move(*response);
  }
  auto start = now_if_told(exchange);
  auto routed = router_.route(exchange);
  note(exchange, Phase::kRoute, "", start, routed);
  if (routed) co_return std::move(*routed);
  for (const Plan* plan : {&node_plan, exchange.plan}) {
    if (plan == nullptr || plan->empty()) continue;
    const Phase first = plan == &node_plan ? Phase::kRoute : Phase::kAdmit;
    auto response = co_await act(exchange, *plan, first, Phase::kLookup);
    if (response) co_return std::move(*response);
  }
  if (exchange.dry_run) co_return http::Response{.status = 204};
  start = now_if_told(exchange);
  std::optional<http::Response> response = co_await exchange.origin->fetch(exchange.request);
  note(exchange, Phase::kGenerate, "", start, response);
  co_return std::move(*response);
}

io::Task<http::Response> Pipeline::respond(http::Request& request) {
  Exchange exchange(request, shard_);
  Trail trail;
  if (server_timing_) exchange.trail = &trail;
  const auto node_plan = node_plan_;  // the one it began with, should another be set meanwhile
  identify(exchange);
  http::Response response = co_await answer(exchange, *node_plan);
  if (exchange.plan != nullptr) deliver(exchange, *exchange.plan, response);
  deliver(exchange, *node_plan, response);
  for (const auto [name, value] : exchange.response_fields) response.fields.set(name, value);
  if (server_timing_) add_server_timing(trail, response);
  co_return response;
}

io::Task<Trail> Pipeline::explain(http::Request& request) {
  Exchange exchange(request, shard_);
  Trail trail;
  exchange.trail = &trail;
  exchange.dry_run = true;
  const auto node_plan = node_plan_;
  identify(exchange);
  co_await answer(exchange, *node_plan);
  co_return trail;
}

}  // namespace cusp::edge
