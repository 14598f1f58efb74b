#include "http/client_watchdog.h"

namespace cusp::http {

struct Watchdog::State : std::enable_shared_from_this<State> {
  State(io::Executor executor, std::function<void()> action)
      : timer(executor), expire(std::move(action)) {}

  void wait(Clock::time_point until) {
    wakes_at = until;
    timer.expires_at(until);  // ends a wait that is under way
    timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      const auto state = weak.lock();
      if (!error && state) state->look();
    });
  }

  void look() {
    // A wait that had completed before it could be ended: the one that replaced it comes later.
    if (Clock::now() < wakes_at) return;
    wakes_at = Clock::time_point::max();
    if (deadline == Clock::time_point::max()) return;
    if (Clock::now() < deadline) return wait(deadline);
    deadline = Clock::time_point::max();
    expired = true;
    expire();
  }

  io::Timer timer;
  std::function<void()> expire;
  Clock::time_point deadline = Clock::time_point::max();
  Clock::time_point wakes_at = Clock::time_point::max();
  bool expired = false;
};

Watchdog::Watchdog(io::Executor executor, std::function<void()> expire)
    : state_(std::make_shared<State>(executor, std::move(expire))) {}

Watchdog::~Watchdog() = default;

void Watchdog::arm(Clock::time_point deadline) {
  state_->deadline = deadline;
  if (deadline < state_->wakes_at) state_->wait(deadline);
}

void Watchdog::arm_by(Clock::time_point deadline) { arm(std::min(deadline, state_->deadline)); }

void Watchdog::disarm() { state_->deadline = Clock::time_point::max(); }

bool Watchdog::expired() const { return state_->expired; }

}  // namespace cusp::http
