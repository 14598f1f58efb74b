#include "edge/pipeline.h"

#include <ranges>

#include <fmt/format.h>

#include "edge/observed_body.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

using Clock = std::chrono::steady_clock;

// What a feature, or (without a name) the phase itself, made of the request, and why.
std::string verdict_of(std::string_view feature, const std::optional<http::Response>& response,
                       std::string why) {
  if (feature.empty() && !response) return why;
  std::string verdict = response ? fmt::format("answers {}", response->status) : "lets it pass";
  return why.empty() ? verdict : verdict + ": " + why;
}

Clock::time_point now_if_told(const Exchange& exchange) {
  const bool told = exchange.trail != nullptr || exchange.record != nullptr;
  return told ? Clock::now() : Clock::time_point();
}

// Notes what was done, by a feature or (empty) by the phase itself, since `start`.
void note(Exchange& exchange, Phase phase, std::string_view feature, Clock::time_point start,
          const std::optional<http::Response>& response) {
  const auto took = now_if_told(exchange) - start;
  if (exchange.record != nullptr) {
    exchange.record->took[static_cast<size_t>(phase)] += took;
    if (response) exchange.record->answered_by = feature;
  }
  if (exchange.trail == nullptr) return;
  exchange.trail->steps.push_back(
      {.phase = phase,
       .feature = std::string(feature),
       .verdict = verdict_of(feature, response, std::exchange(exchange.verdict, {})),
       .took = took});
}

void deliver(Exchange& exchange, const Plan* plan, http::Response& response) {
  if (plan == nullptr) return;
  for (const Plan::Entry& entry : std::views::reverse(plan->entries())) {
    entry.feature->deliver(exchange, response);
  }
}

// What every response meets on its way out.
void deliver(Exchange& exchange, const Plan& node_plan, http::Response& response) {
  const auto start = now_if_told(exchange);
  deliver(exchange, exchange.plan, response);
  deliver(exchange, &node_plan, response);
  for (const auto [name, value] : exchange.response_fields) response.fields.set(name, value);
  note(exchange, Phase::kDeliver, "", start, std::nullopt);
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

// The way of a request through the features of some phases, in order, until one answers. Most never
// wait, and then there is no coroutine.
class Walk {
 public:
  Walk(Exchange& exchange, const Plan& plan, Phase first, Phase last)
      : exchange_(exchange), last_(last), left_(plan.entries()) {
    while (!left_.empty() && left_.front().phase < first) left_ = left_.subspan(1);
  }

  // The answer of the first feature that has one; nothing also when one waits(), which is asked
  // again with later().
  std::optional<http::Response> go() {
    for (; !left_.empty() && left_.front().phase <= last_; left_ = left_.subspan(1)) {
      start_ = now_if_told(exchange_);
      Outcome outcome = left_.front().feature->act(exchange_);
      const bool dry = exchange_.dry_run && left_.front().phase == Phase::kLookup;
      waits_ = std::holds_alternative<Wait>(outcome) && !dry;
      if (waits_) return std::nullopt;
      if (auto response = end_of(outcome)) return response;
    }
    return std::nullopt;
  }
  bool waits() const { return waits_; }

  // Waits for that feature, and for all others that wait after it.
  io::Task<std::optional<http::Response>> later() {
    while (true) {
      Outcome outcome = co_await left_.front().feature->act_later(exchange_);
      auto response = end_of(outcome);
      left_ = left_.subspan(1);
      waits_ = false;  // also when it was the last one
      if (!response) response = go();
      if (response || !waits_) co_return response;
    }
  }

 private:
  std::optional<http::Response> end_of(Outcome& outcome) {
    std::optional<http::Response> response;
    if (auto* answer = std::get_if<http::Response>(&outcome)) response = std::move(*answer);
    note(exchange_, left_.front().phase, left_.front().key, start_, response);
    return response;
  }

  Exchange& exchange_;
  const Phase last_;
  std::span<const Plan::Entry> left_;
  Clock::time_point start_;
  bool waits_ = false;
};

}  // namespace

io::Task<http::Response> Pipeline::answer(Exchange& exchange, const Plan& node_plan) {
  if (!node_plan.empty()) {
    Walk walk(exchange, node_plan, Phase::kAdmit, Phase::kIdentify);
    auto response = walk.go();
    if (walk.waits()) response = co_await walk.later();
    if (response) co_return std::move(*response);
  }
  auto start = now_if_told(exchange);
  auto routed = router_.route(exchange);
  note(exchange, Phase::kRoute, "", start, routed);
  if (routed) co_return std::move(*routed);
  for (const Plan* plan : {&node_plan, exchange.plan}) {
    if (plan == nullptr || plan->empty()) continue;
    // The node's own first phases are behind us; a route's features wait for their route.
    const Phase first = plan == &node_plan ? Phase::kRoute : Phase::kAdmit;
    Walk walk(exchange, *plan, first, Phase::kLookup);
    auto response = walk.go();
    if (walk.waits()) response = co_await walk.later();
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
  const auto node_plan = node_plan_;  // the one it began with, should another be set meanwhile
  Trail trail;
  if (server_timing_) exchange.trail = &trail;
  identify(exchange);
  exchange.trace = trace_ids_.begin(request.fields);
  std::unique_ptr<Record> record;
  if (observer_ != nullptr) {
    record = std::make_unique<Record>();
    exchange.record = record.get();
    observer_->begins(exchange, *record);
  }
  const auto began = now_if_told(exchange);
  http::Response response = co_await answer(exchange, *node_plan);
  deliver(exchange, *node_plan, response);
  if (server_timing_) add_server_timing(trail, response);
  if (record) keep(std::move(record), exchange, response, began);
  co_return response;
}

// Fills in the record's rest and ends it with the response's body.
void Pipeline::keep(std::unique_ptr<Record> record, const Exchange& exchange,
                    http::Response& response, Clock::time_point began) {
  record->app = exchange.app;
  record->route = exchange.route;
  record->status = response.status;
  record->cache_status = response.fields.get_all("cache-status").value_or("");
  if (response.body) {
    response.body = observe(std::move(response.body), std::move(record), *observer_, began);
  } else {
    record->complete = true;
    record->total = Clock::now() - began;
    observer_->ended(*record);
  }
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
