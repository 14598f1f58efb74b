#include "edge/auth/single_flight.h"

#include "io/asio.h"

namespace cusp::edge {

namespace {

constexpr std::chrono::seconds kWaitMax{5};
constexpr std::chrono::milliseconds kLook{10};

}  // namespace

bool SingleFlight::is_due(std::chrono::milliseconds pause) const {
  const std::lock_guard lock(mutex_);
  return !running_ && (!began_ || Clock::now() >= *began_ + pause);
}

bool SingleFlight::try_begin(std::chrono::milliseconds pause) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (running_ || (began_ && now < *began_ + pause)) return false;
  running_ = true;
  began_ = now;
  return true;
}

bool SingleFlight::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

void SingleFlight::end() {
  const std::lock_guard lock(mutex_);
  running_ = false;
}

// By looking: whoever fetches may be on another shard.
io::Task<void> SingleFlight::wait(ShardContext& shard) const {
  const auto deadline = Clock::now() + kWaitMax;
  io::Timer timer(shard.executor);
  while (running() && Clock::now() < deadline) {
    timer.expires_after(kLook);
    co_await timer.async_wait(io::use_task);
  }
}

}  // namespace cusp::edge
