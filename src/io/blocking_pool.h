#pragma once

#include <functional>
#include <memory>

#include "io/task.h"

namespace cusp::io {

// Threads for work that blocks (compilation, big files, DNS), so that a shard never does. Shared by
// all shards; thread-safe. The destructor waits for what has begun.
class BlockingPool {
 public:
  explicit BlockingPool(size_t threads);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  void post(std::function<void()> work);
  // Runs `work` in the pool; the awaiting coroutine goes on on its own shard afterwards.
  Task<void> run(std::function<void()> work);

  // Waits for what has begun; what comes later never runs. Before shards go whose coroutines wait
  // in run(): afterwards, they are never resumed and go with their shard.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cusp::io
