#include "node/triggers/triggers.h"

#include <thread>

#include "node/triggers/cron_runner.h"
#include "node/triggers/queue_consumer.h"
#include "node/triggers/redis_subscriber.h"

namespace cusp::node::triggers {

Triggers::Triggers(store::Stores& stores, Counters& counters, std::vector<Place> places)
    : stores_(stores), counters_(counters), places_(std::move(places)) {}

Triggers::~Triggers() {
  if (running_) running_->stopped = true;
}

const Place& Triggers::next_place() { return places_[next_place_++ % places_.size()]; }

Result<> Triggers::set_apps(const std::shared_ptr<const AppTable>& apps) {
  const auto running = std::make_shared<Running>();
  for (const auto& deployment : apps->apps()) {
    if (auto added = add(deployment, running); !added) {
      running->stopped = true;
      return added;
    }
  }
  if (running_) running_->stopped = true;
  running_ = running;
  return {};
}

Result<> Triggers::add(const std::shared_ptr<const Deployment>& deployment,
                       const std::shared_ptr<Running>& running) {
  const app::App& app = deployment->app();
  for (const auto& trigger : app.queue_triggers) {
    CUSP_TRY(auto queue, stores_.queue(app.name, trigger.queue));
    const auto bell = std::make_shared<Bell>();  // shared by the queue and its consumers
    queue->on_send([bell] { bell->ring(); });
    const auto work = std::make_shared<const QueueWork>(
        QueueWork{deployment, trigger, std::move(queue), bell, counters_});
    for (uint32_t i = 0; i < trigger.concurrency; ++i) {
      const Place& place = next_place();
      io::asio::co_spawn(place.executor, consume(place, running, work), io::asio::detached);
    }
  }
  for (const auto& trigger : app.cron_triggers) {
    auto& under_way =
        under_way_[app.name + '\n' + trigger.component + trigger.path + '\n' + trigger.schedule];
    if (!under_way) under_way = std::make_shared<std::atomic<bool>>(false);
    const auto work =
        std::make_shared<const CronWork>(CronWork{deployment, trigger, under_way, counters_});
    const Place& place = next_place();
    io::asio::co_spawn(place.executor, keep_time(place, running, work), io::asio::detached);
  }
  for (const auto& subscription : deployment->redis_subscriptions()) {
    const auto work =
        std::make_shared<const RedisWork>(RedisWork{deployment, subscription, counters_});
    const Place& place = next_place();
    io::asio::co_spawn(place.executor, listen(place, running, work), io::asio::detached);
  }
  return {};
}

void Triggers::stop(std::chrono::milliseconds deadline) {
  if (!running_) return;
  running_->stopped = true;
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (running_->busy > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace cusp::node::triggers
