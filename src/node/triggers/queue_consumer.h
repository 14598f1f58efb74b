#pragma once

#include <memory>

#include "app/triggers.h"
#include "io/task.h"
#include "node/triggers/counters.h"
#include "node/triggers/running.h"
#include "store/queue/queue.h"

namespace cusp::node::triggers {

// Who waits for a queue, to be woken when something is sent. Thread-safe.
class Bell {
 public:
  // Wakes one, if any waits.
  void ring();
  // Returns when it rings, after `most` at the latest.
  static io::Task<void> wait(std::shared_ptr<Bell> bell, io::Executor executor,
                             std::chrono::milliseconds most);

 private:
  struct Waiting;
  std::mutex mutex_;
  // Each belongs to its coroutine, which may go with its shard while the bell stays.
  std::vector<std::weak_ptr<Waiting>> waiting_;
};

// What consumers of one queue share.
struct QueueWork {
  std::shared_ptr<const Deployment> deployment;
  app::QueueTrigger trigger;
  std::shared_ptr<store::queue::Queue> queue;
  std::shared_ptr<Bell> bell;
  Counters& counters;  // outlives it
};

// Gives a component the messages of a queue, one batch after the other, until `running` is stopped.
// A batch that fails comes again, later each time, until it is dead.
io::Task<void> consume(Place place, std::shared_ptr<Running> running,
                       std::shared_ptr<const QueueWork> work);

// How long to wait after a message has failed for the `deliveries`th time: twice as long each time,
// up to the trigger's maximum, and up to a quarter more or less, so that what failed together does
// not come together again.
std::chrono::milliseconds retry_delay(const app::QueueTrigger& trigger, uint32_t deliveries,
                                      double chance);

}  // namespace cusp::node::triggers
