#pragma once

#include "io/asio.h"

namespace cusp::io {

// Something that one coroutine of a shard waits for and others of the same shard announce. An
// announcement without a waiter is kept for the next wait. For .cc files.
class Event {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Event(Executor executor) : timer_(executor) {}

  void notify() {
    notified_ = true;
    if (waiting_) timer_.cancel();
  }

  // Returns after notify(), or at `deadline`; false for the latter.
  Task<bool> wait_until(Clock::time_point deadline) {
    if (!notified_) {
      waiting_ = true;
      timer_.expires_at(deadline);
      co_await timer_.async_wait(use_task);
      waiting_ = false;
    }
    co_return std::exchange(notified_, false);
  }

  // For what has its deadline elsewhere.
  Task<void> wait() {
    while (!co_await wait_until(Clock::time_point::max())) {
    }
  }

 private:
  Timer timer_;
  bool notified_ = false;
  bool waiting_ = false;
};

}  // namespace cusp::io
