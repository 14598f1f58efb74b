#pragma once

#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "io/asio.h"
#include "io/event.h"

namespace cusp::edge {

// Several tasks for the same thing, of which one result is wanted. Belongs to one shard; the tasks
// that have not ended are cancelled with it. What the tasks refer to outlives the loop's next turn
// after that, so keep it by shared pointers.
template <class T>
class Race {
 public:
  explicit Race(io::Executor executor)
      : executor_(executor), state_(std::make_shared<State>(executor)) {}
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  ~Race() {
    for (auto& cancel : state_->cancels) {
      // Not from here: the race may be ended by one of its own tasks.
      io::asio::post(executor_, [state = state_, &cancel] {
        cancel.emit(io::asio::cancellation_type::terminal);
      });
    }
  }

  void start(io::Task<T> task) {
    ++state_->running;
    auto& cancel = state_->cancels.emplace_back();
    io::asio::co_spawn(
        executor_,
        [](std::shared_ptr<State> state, io::Task<T> runs) -> io::Task<void> {
          T result = co_await std::move(runs);
          state->results.push_back(std::move(result));
          --state->running;
          state->ended.notify();
        }(state_, std::move(task)),
        // Cancellation ends a coroutine by exception; there is nobody left to tell.
        io::asio::bind_cancellation_slot(cancel.slot(), [state = state_](std::exception_ptr) {}));
  }

  // Whether a task has ended before `deadline`.
  io::Task<bool> finished_by(io::Event::Clock::time_point deadline) {
    if (state_->results.empty()) co_await state_->ended.wait_until(deadline);
    co_return !state_->results.empty();
  }

  // The first result that is `good`, or the last one when none is.
  template <class Good>
  io::Task<T> best(Good good) {
    size_t seen = 0;
    while (true) {
      for (; seen < state_->results.size(); ++seen) {
        const bool last = state_->running == 0 && seen + 1 == state_->results.size();
        if (last || good(state_->results[seen])) co_return std::move(state_->results[seen]);
      }
      co_await state_->ended.wait();
    }
  }

 private:
  struct State {
    explicit State(io::Executor executor) : ended(executor) {}
    size_t running = 0;
    std::vector<T> results;  // in the order of their ends
    std::list<io::asio::cancellation_signal> cancels;
    io::Event ended;
  };

  io::Executor executor_;
  std::shared_ptr<State> state_;  // shared with the tasks
};

}  // namespace cusp::edge
