#include "engine/run_queue.h"

#include "io/asio.h"

namespace cusp::engine {

void RunQueue::add(const io::Executor& executor, Turn turn) {
  state_->line.push_back({std::move(turn), std::chrono::steady_clock::now()});
  if (state_->line.size() == 1) run_next(executor, state_);
}

void RunQueue::set_observer(std::function<void(std::chrono::nanoseconds)> waited) {
  state_->waited = std::move(waited);
}

// The one whose turn it is stays in line until it is over: who adds itself again then finds the
// line moving.
void RunQueue::run_next(const io::Executor& executor, std::shared_ptr<State> state) {
  io::asio::post(executor, [executor, state = std::move(state)]() mutable {
    const Entry next = std::exchange(state->line.front(), {});
    if (state->waited) state->waited(std::chrono::steady_clock::now() - next.since);
    next.turn();
    state->line.pop_front();
    if (!state->line.empty()) run_next(executor, std::move(state));
  });
}

}  // namespace cusp::engine
