#include "io/shard.h"

#include <pthread.h>

#include <future>
#include <string>
#include <thread>

#include "io/asio.h"

namespace cusp::io {

struct Shard::State {
  explicit State(size_t shard_index) : index(shard_index) {}

  size_t index;
  asio::io_context context{1};
  asio::executor_work_guard<Executor> work{context.get_executor()};
  std::thread thread;
};

Shard::Shard(size_t index) : state_(std::make_unique<State>(index)) {
  state_->thread = std::thread([state = state_.get()] {
    pthread_setname_np(pthread_self(), ("cusp-shard-" + std::to_string(state->index)).c_str());
    state->context.run();
  });
}

Shard::~Shard() {
  stop();
  if (state_->thread.joinable()) state_->thread.join();
}

size_t Shard::index() const { return state_->index; }

Executor Shard::executor() const { return state_->context.get_executor(); }

void Shard::post(std::function<void()> work) { asio::post(state_->context, std::move(work)); }

void Shard::run(std::function<void()> work) {
  std::promise<void> done;
  post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void Shard::stop() {
  asio::post(state_->context, [state = state_.get()] {
    state->work.reset();
    state->context.stop();
  });
}

}  // namespace cusp::io
