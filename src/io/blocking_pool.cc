#include "io/blocking_pool.h"

#include "io/asio.h"

namespace cusp::io {

struct BlockingPool::State {
  explicit State(size_t count) : threads(count) {}
  asio::thread_pool threads;
};

BlockingPool::BlockingPool(size_t threads) : state_(std::make_unique<State>(threads)) {}

BlockingPool::~BlockingPool() { stop(); }

void BlockingPool::stop() { state_->threads.join(); }

void BlockingPool::post(std::function<void()> work) {
  asio::post(state_->threads, std::move(work));
}

Task<void> BlockingPool::run(std::function<void()> work) {
  const Executor shard = co_await asio::this_coro::executor;
  auto hop = [this, shard, work = std::move(work)](auto handler) mutable {
    asio::post(state_->threads,
               [shard, work = std::move(work), handler = std::move(handler)]() mutable {
                 work();
                 asio::post(shard, std::move(handler));
               });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      std::move(hop), asio::use_awaitable_t<Executor>());
}

}  // namespace cusp::io
