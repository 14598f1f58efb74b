#pragma once

#include "io/asio.h"

namespace cusp::engine {

// Something that one coroutine of a shard waits for and callbacks of the same shard announce. An
// announcement without a waiter is kept for the next wait.
class Event {
 public:
  explicit Event(io::Executor executor) : timer_(executor) {}

  void notify() {
    notified_ = true;
    if (waiting_) timer_.cancel();
  }

  // Returns after notify(), or at `deadline`; false for the latter.
  io::Task<bool> wait_until(std::chrono::steady_clock::time_point deadline) {
    if (!notified_) {
      waiting_ = true;
      timer_.expires_at(deadline);
      co_await timer_.async_wait(io::use_task);
      waiting_ = false;
    }
    co_return std::exchange(notified_, false);
  }

  io::Task<void> wait() {
    while (!co_await wait_until(std::chrono::steady_clock::time_point::max())) {
    }
  }

 private:
  io::Timer timer_;
  bool notified_ = false;
  bool waiting_ = false;
};

}  // namespace cusp::engine
