#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "io/task.h"
#include "store/kv/store.h"

// Queues: messages that wait until somebody has done what they ask for. Each is delivered at least
// once, roughly in the order of sending. A queue is a key-value store of its own
// (docs/formats/stores.md), so that a message is on disk when send() returns.
namespace cusp::store::queue {

using kv::Time;
using std::chrono::milliseconds;

struct Outgoing {
  std::string body;
  std::string content_type;
  milliseconds delay{0};  // until it is there for receivers
};

struct Message {
  std::string id;  // of the queue's own making
  std::string body;
  std::string content_type;
  Time sent;
  uint32_t deliveries = 0;  // this one included
  std::string receipt;      // proves this delivery; good until another one
};

struct ReceiveOptions {
  size_t limit = 1;
  milliseconds visibility = limits::kQueueVisibility;  // until it is delivered again
  uint32_t deliveries_max = limits::kQueueDeliveries;  // then it is dead
};

struct DeadMessage {
  std::string id;
  uint64_t bytes = 0;
  std::string content_type;
  Time sent;
  uint32_t deliveries = 0;
  std::string reason;
};

struct Counts {
  uint64_t ready = 0;
  uint64_t in_flight = 0;  // delivered, and neither done nor given back
  uint64_t delayed = 0;    // not there yet: sent with a delay, or waiting for another try
  uint64_t dead = 0;
  std::optional<Time> oldest;  // when the one that is ready longest became so
};

// The name of the key-value store that holds a queue. No guest's store has such a name.
std::string store_name(std::string_view queue);
// The queue of that store; nothing: it holds none.
std::optional<std::string> queue_of(std::string_view store);

// One queue. Thread-safe. Errors of every function: those of kv::Store.
class Queue {
 public:
  using Clock = std::function<Time()>;
  // `entries` is the store of that name. Shared with its database.
  explicit Queue(std::shared_ptr<kv::Store> entries, Clock now = system_now);

  // All or none. The ids, in their order. Errors: kInvalidArgument (nothing, too many, too large).
  io::Task<Result<std::vector<std::string>>> send(std::vector<Outgoing> messages);
  // Those that are ready, the oldest first; none when there is none. Those that were delivered
  // often enough become dead instead.
  io::Task<Result<std::vector<Message>>> receive(ReceiveOptions options);
  // What was to be done is done: they are gone. How many: not those that were delivered again
  // meanwhile, or never.
  io::Task<Result<size_t>> acknowledge(std::vector<std::string> receipts);
  // To be delivered again after `delay`. False: as above.
  io::Task<Result<bool>> give_back(std::string receipt, milliseconds delay);
  // Makes it dead now. False: as above.
  io::Task<Result<bool>> bury(std::string receipt, std::string reason);

  // Without delivering them: the next ones to come.
  io::Task<Result<std::vector<Message>>> peek(size_t limit);
  // The dead, the oldest first, behind the one with the id `after`.
  io::Task<Result<std::vector<DeadMessage>>> dead(size_t limit, std::string after = {});
  // Sends a dead message again, as if it had never been delivered. False: there is none.
  io::Task<Result<bool>> retry_dead(std::string id);
  // Removes everything, or the dead alone. How many messages that were.
  io::Task<Result<size_t>> purge(bool only_dead);
  // Looks at each message: for operators and metrics, not for every request.
  io::Task<Result<Counts>> count();

  // Called after each send of this process, from any thread; instead of what was called before.
  void on_send(std::function<void()> arrived);

  static Time system_now();

 private:
  struct Candidate;
  class Claim;

  std::string next_id(Time now);
  void announce();
  io::Task<Result<std::vector<kv::Listed>>> due(Time now, size_t limit);
  io::Task<Result<std::vector<Candidate>>> claim(const ReceiveOptions& options, Time now);
  io::Task<Result<std::vector<Message>>> load(std::vector<Candidate> taken);
  io::Task<Result<bool>> replace(std::string receipt, std::vector<kv::Change> changes);
  io::Task<Result<std::vector<kv::Listed>>> all(std::string prefix);

  const std::shared_ptr<kv::Store> entries_;
  const Clock now_;
  std::atomic<uint32_t> sequence_ = 0;
  std::mutex mutex_;
  std::function<void()> arrived_;
  std::set<std::string> claimed_;  // keys that some receiver is about to take
  std::string from_;               // nothing is ready before this key, which spares its tombstones
  Time looked_{};                  // when that was found out
};

}  // namespace cusp::store::queue
