#include "edge/limits/load.h"

#include <algorithm>
#include <utility>

#include "io/asio.h"

namespace cusp::edge {

namespace {

constexpr double kStep = 0.1;       // of the share, for each time that the wait exceeds the target
constexpr double kStepMax = 0.3;    // in one interval
constexpr double kRecovery = 0.7;   // what a good interval leaves of the share
constexpr double kShareMin = 0.02;  // below it nobody is turned away
constexpr double kShareMax = 0.95;  // some must pass, or nobody learns that it is over

}  // namespace

void Load::waited(Queue queue, std::chrono::nanoseconds time, Clock::time_point now) {
  if (now >= interval_end_) end_interval(now);
  auto& least = least_[static_cast<size_t>(queue)];
  least = least ? std::min(*least, time) : time;
}

void Load::end_interval(Clock::time_point now) {
  const auto [loop, guests] = std::exchange(least_, {});
  standing_ = std::max(loop.value_or(std::max(now, probe_due_) - probe_due_),
                       guests.value_or(std::chrono::nanoseconds(0)));
  interval_end_ = now + kInterval;
  if (standing_ > target_) {
    const double excess = static_cast<double>(standing_.count()) / target_.count();
    share_ = std::min(kShareMax, share_ + std::min(kStepMax, kStep * excess));
  } else {
    share_ = share_ * kRecovery < kShareMin ? 0 : share_ * kRecovery;
  }
}

bool Load::sheds(std::chrono::nanoseconds target, bool favoured, Clock::time_point now) {
  target_ = target;
  if (now >= interval_end_) end_interval(now);
  // Evenly rather than by chance: of a share of 0.25, each fourth.
  double& due = favoured ? favoured_due_ : others_due_;
  due += favoured ? std::max(0.0, 2 * share_ - 1) : share_;
  if (due < 1) return false;
  due -= 1;
  return true;
}

io::Task<void> Load::watch(std::shared_ptr<Load> load, io::Executor executor) {
  io::Timer timer(executor);
  while (true) {
    const auto due = Clock::now() + kProbe;
    load->expect_probe(due);
    timer.expires_at(due);
    const auto [error] = co_await timer.async_wait(io::use_task);
    if (error) co_return;
    const auto now = Clock::now();
    load->waited(Queue::kLoop, now - due, now);
  }
}

}  // namespace cusp::edge
