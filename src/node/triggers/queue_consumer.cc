#include "node/triggers/queue_consumer.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/log.h"
#include "io/event.h"
#include "node/triggers/invoke.h"

namespace cusp::node::triggers {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using store::queue::Message;

// What other processes send, and what becomes ready by the clock, is seen after so long.
constexpr milliseconds kLook{1000};
constexpr milliseconds kErrorPause{5000};

double chance() {
  thread_local std::minstd_rand random{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

Call call_of(const QueueWork& work) {
  return {.component = work.trigger.component,
          .path = work.trigger.path,
          .name = "queue " + work.trigger.queue,
          .fields = {{"cusp-queue", work.trigger.queue}}};
}

Call single(const QueueWork& work, Message& message) {
  Call call = call_of(work);
  call.content_type = message.content_type;
  call.body = std::move(message.body);
  call.fields.emplace_back("cusp-message-id", message.id);
  call.fields.emplace_back("cusp-delivery-count", std::to_string(message.deliveries));
  call.fields.emplace_back("cusp-message-sent",
                           std::to_string(message.sent.time_since_epoch().count()));
  return call;
}

// Several messages as one JSON document; a body that is no UTF-8 goes as base64.
Call batch(const QueueWork& work, const std::vector<Message>& messages) {
  json list = json::array();
  for (const Message& message : messages) {
    json item = {{"id", message.id},
                 {"delivery_count", message.deliveries},
                 {"sent", message.sent.time_since_epoch().count()},
                 {"content_type", message.content_type}};
    try {
      json(message.body).dump();
      item["body"] = message.body;
    } catch (const json::exception&) {
      item["body_base64"] = base64_encode(message.body);
    }
    list.push_back(std::move(item));
  }
  Call call = call_of(work);
  call.content_type = "application/json";
  const json document = {{"queue", work.trigger.queue}, {"messages", std::move(list)}};
  call.body = document.dump(-1, ' ', false, json::error_handler_t::replace);
  return call;
}

// The ids that a component wants to see again of a batch: {"retry": ["…"]}. Nothing: it did not say
// so, and all are done.
std::vector<std::string> retried(const std::string& answer) {
  const json document = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> ids;
  if (!document.is_object() || !document.contains("retry")) return ids;
  for (const json& id : document["retry"]) {
    if (id.is_string()) ids.push_back(id.get<std::string>());
  }
  return ids;
}

io::Task<void> pause(io::Executor executor, milliseconds time) {
  io::Timer timer(executor);
  timer.expires_after(time);
  co_await timer.async_wait(io::use_task);
}

// Where a failed message goes: back, for another try, or to the dead.
io::Task<void> put_aside(const QueueWork& work, const Running& running, const Message& message,
                         const std::string& reason) {
  // What the node's own end has broken off is nobody's fault.
  const bool dead = message.deliveries >= work.trigger.max_deliveries && !running.stopped;
  const std::string& app = work.deployment->app().name;
  Result<bool> moved = false;
  if (dead) {
    moved = co_await work.queue->bury(message.receipt, reason);
    log::warn("[{}] queue {}: message {} is dead after {} deliveries: {}", app, work.trigger.queue,
              message.id, message.deliveries, reason);
  } else {
    const auto delay =
        running.stopped ? milliseconds(0) : retry_delay(work.trigger, message.deliveries, chance());
    moved = co_await work.queue->give_back(message.receipt, delay);
  }
  work.counters.messages(app, work.trigger.queue, dead ? "dead" : "retried");
  // It comes again when its visibility time-out is over.
  if (!moved) log::warn("[{}] queue {}: {}", app, work.trigger.queue, moved.error().to_string());
}

io::Task<void> deliver(const Place& place, const Running& running, const QueueWork& work,
                       std::vector<Message> messages) {
  const bool alone = work.trigger.batch_size == 1;
  const Outcome outcome =
      co_await invoke(*place.handler, work.deployment,
                      alone ? single(work, messages.front()) : batch(work, messages));
  const auto again = outcome.done() && !alone ? retried(outcome.body) : std::vector<std::string>{};
  std::vector<std::string> receipts;
  for (const Message& message : messages) {
    const bool wanted_again = std::ranges::find(again, message.id) != again.end();
    if (outcome.done() && !wanted_again) {
      receipts.push_back(message.receipt);
    } else {
      co_await put_aside(work, running, message,
                         wanted_again ? "asked for it again" : outcome.reason);
    }
  }
  if (receipts.empty()) co_return;
  const size_t count = receipts.size();
  const auto done = co_await work.queue->acknowledge(std::move(receipts));
  const std::string& app = work.deployment->app().name;
  if (!done || *done < count) {
    log::warn("[{}] queue {}: {}", app, work.trigger.queue,
              done ? "a message took longer than its visibility time-out and comes again"
                   : done.error().to_string());
  }
  work.counters.messages(app, work.trigger.queue, "done", done.value_or(0));
}

}  // namespace

milliseconds retry_delay(const app::QueueTrigger& trigger, uint32_t deliveries, double chance) {
  milliseconds delay = trigger.retry_delay;
  for (uint32_t i = 1; i < deliveries && delay < trigger.retry_delay_max; ++i) delay *= 2;
  delay = std::min(delay, trigger.retry_delay_max);
  return milliseconds(
      static_cast<int64_t>(static_cast<double>(delay.count()) * (0.75 + 0.5 * chance)));
}

struct Bell::Waiting {
  explicit Waiting(io::Executor executor_in) : executor(executor_in), event(executor_in) {}
  io::Executor executor;
  io::Event event;  // of the shard that waits
};

void Bell::ring() {
  std::shared_ptr<Waiting> next;
  {
    const std::lock_guard lock(mutex_);
    while (!next && !waiting_.empty()) {
      next = waiting_.back().lock();
      waiting_.pop_back();
    }
  }
  if (!next) return;
  const io::Executor executor = next->executor;
  io::asio::post(executor, [next = std::move(next)] { next->event.notify(); });
}

io::Task<void> Bell::wait(std::shared_ptr<Bell> bell, io::Executor executor, milliseconds most) {
  const auto waiting = std::make_shared<Waiting>(executor);  // shared with who rings, for a moment
  {
    const std::lock_guard lock(bell->mutex_);
    bell->waiting_.push_back(waiting);
  }
  co_await waiting->event.wait_until(std::chrono::steady_clock::now() + most);
  const std::lock_guard lock(bell->mutex_);
  std::erase_if(bell->waiting_, [&](const std::weak_ptr<Waiting>& other) {
    return other.expired() || other.lock() == waiting;
  });
}

io::Task<void> consume(Place place, std::shared_ptr<Running> running,
                       std::shared_ptr<const QueueWork> work) {
  const store::queue::ReceiveOptions options{.limit = work->trigger.batch_size,
                                             .visibility = work->trigger.visibility_timeout,
                                             .deliveries_max = work->trigger.max_deliveries};
  while (!running->stopped) {
    auto messages = co_await work->queue->receive(options);
    if (!messages) {
      log::warn("[{}] queue {}: {}", work->deployment->app().name, work->trigger.queue,
                messages.error().to_string());
      co_await pause(place.executor, kErrorPause);
    } else if (messages->empty()) {
      co_await Bell::wait(work->bell, place.executor, kLook);
    } else {
      work->bell->ring();  // there may be more, for another one
      const Busy busy(*running);
      co_await deliver(place, *running, *work, std::move(*messages));
    }
  }
}

}  // namespace cusp::node::triggers
