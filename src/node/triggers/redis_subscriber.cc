#include "node/triggers/redis_subscriber.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/log.h"
#include "host/redis_link.h"
#include "http/client_connect.h"
#include "node/triggers/invoke.h"

namespace cusp::node::triggers {

namespace {

using host::RedisLink;
using host::RedisReply;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLook(500);      // how often it looks whether it shall end
constexpr milliseconds kQuiet(30'000);  // then the server is asked whether it is still there
constexpr milliseconds kRetryMin(1'000);
constexpr milliseconds kRetryMax(30'000);

std::string name_of(const RedisWork& work) {
  return fmt::format("Redis channel '{}' of {}:{}", work.subscription.channel,
                     work.subscription.address.host, work.subscription.address.port);
}

// The text of a reply's value; null: it has another type.
const std::string* text_of(const RedisReply& reply, size_t index) {
  return index < reply.values.size() ? std::get_if<std::string>(&reply.values[index]) : nullptr;
}

io::Task<void> deliver(Place place, std::shared_ptr<Running> running,
                       std::shared_ptr<const RedisWork> work, std::string payload) {
  const Busy busy(*running);
  const app::RedisTrigger& trigger = work->subscription.trigger;
  Call call{.component = trigger.component,
            .path = trigger.path,
            .name = name_of(*work),
            .content_type = "application/octet-stream",
            .body = std::move(payload),
            .fields = {{"cusp-redis-channel", work->subscription.channel}}};
  const Outcome outcome = co_await invoke(*place.handler, work->deployment, std::move(call));
  const std::string& app = work->deployment->app().name;
  work->counters.published(app, trigger.component, outcome.done() ? "done" : "failed");
  if (!outcome.done()) {
    log::warn("[{}] {}: component {} {}", app, name_of(*work), trigger.component, outcome.reason);
  }
}

// Until the connection is lost, which the error says, or `running` is stopped. `live` is set when
// the server has accepted the subscription.
io::Task<Result<>> follow(Place place, std::shared_ptr<Running> running,
                          std::shared_ptr<const RedisWork> work, RedisLink& link, bool& live) {
  CUSP_CO_CHECK(co_await link.connect());
  const std::vector<std::string> words{"SUBSCRIBE", work->subscription.channel};
  CUSP_CO_CHECK(co_await link.send(host::format_redis_command(words)));
  auto heard = Clock::now();
  bool asked = false;
  while (!running->stopped) {
    CUSP_CO_TRY(const auto reply, co_await link.receive(kLook));
    if (reply) {
      heard = Clock::now();
      asked = false;
      if (!reply->error.empty()) co_return fail(ErrorCode::kPermissionDenied, reply->error);
      const std::string* kind = text_of(*reply, 0);
      if (kind != nullptr && *kind == "subscribe") live = true;
      const std::string* payload = text_of(*reply, 2);
      if (kind != nullptr && *kind == "message" && payload != nullptr) {
        co_await deliver(place, running, work, *payload);
      }
    } else if (Clock::now() - heard > kQuiet && asked) {
      co_return fail(ErrorCode::kUnavailable, "the server does not answer any more");
    } else if (Clock::now() - heard > kQuiet) {
      heard = Clock::now();
      asked = true;
      CUSP_CO_CHECK(
          co_await link.send(host::format_redis_command(std::array{std::string("PING")})));
    }
  }
  co_return Result<>();
}

}  // namespace

io::Task<void> listen(Place place, std::shared_ptr<Running> running,
                      std::shared_ptr<const RedisWork> work) {
  http::Connector connector(place.executor);
  const RedisSubscription& subscription = work->subscription;
  const auto allow = [&](std::string_view address, uint16_t port) {
    return subscription.reachable->allows_address(subscription.address.scheme,
                                                  subscription.address.host, address, port);
  };
  milliseconds delay = kRetryMin;
  while (!running->stopped) {
    RedisLink link(subscription.address, allow, place.executor, connector);
    bool live = false;
    const auto ended = co_await follow(place, running, work, link, live);
    link.close();
    if (running->stopped) break;
    if (live) delay = kRetryMin;
    log::warn("[{}] {}: {}; the next try is in {} s", work->deployment->app().name, name_of(*work),
              ended.error().message, delay.count() / 1000);
    const auto next = Clock::now() + delay;
    io::Timer timer(place.executor);
    while (!running->stopped && Clock::now() < next) {
      timer.expires_after(kLook);
      co_await timer.async_wait(io::use_task);
    }
    delay = std::min(2 * delay, kRetryMax);
  }
}

}  // namespace cusp::node::triggers
