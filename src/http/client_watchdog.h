#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "io/asio.h"

namespace cusp::http {

// Runs `expire` when a deadline passes that nobody has moved. Moving it is a store: the timer
// beneath is set again only when it fires too early. Belongs to one shard; after the destructor,
// `expire` is not called.
class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  Watchdog(io::Executor executor, std::function<void()> expire);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void arm(Clock::time_point deadline);
  void arm(std::chrono::milliseconds timeout) { arm(Clock::now() + timeout); }
  // The same, unless it is due earlier already.
  void arm_by(Clock::time_point deadline);
  void disarm();
  // Whether it has ever called `expire`.
  bool expired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared: a handler that is already queued may run later
};

}  // namespace cusp::http
