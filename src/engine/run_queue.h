#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>

#include "io/task.h"

namespace cusp::engine {

// The guests of a shard that have used up a time slice (limits::kGuestEpoch) and want another one.
// They get it one at a time, and between two of them the shard does all else that there is to do:
// however many guests compute, its connections wait for one slice, not for all. Belongs to one
// shard; what waits is run or dropped with the shard's loop, also after the queue is gone.
class RunQueue {
 public:
  using Turn = std::function<void()>;

  RunQueue() = default;
  ~RunQueue() { state_->waited = {}; }  // whom it tells may go before what still waits
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // Puts `turn` last.
  void add(const io::Executor& executor, Turn turn);

  // Called with how long each turn has waited. Set once, before the first turn.
  void set_observer(std::function<void(std::chrono::nanoseconds)> waited);

 private:
  struct Entry {
    Turn turn;
    std::chrono::steady_clock::time_point since;
  };
  struct State {
    std::deque<Entry> line;
    std::function<void(std::chrono::nanoseconds)> waited;
  };
  static void run_next(const io::Executor& executor, std::shared_ptr<State> state);

  const std::shared_ptr<State> state_ = std::make_shared<State>();  // shared with the loop
};

}  // namespace cusp::engine
