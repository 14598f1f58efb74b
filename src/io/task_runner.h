#pragma once

#include <optional>
#include <utility>

#include "io/asio.h"

namespace cusp::io {

// Runs tasks to their end on the thread that asks, where there is no shard. For .cc files.
class TaskRunner {
 public:
  // Blocks. What the task waits for must come: a pool or a store that is stopped never answers.
  template <class T>
  T wait(Task<T> task) {
    std::optional<T> result;
    asio::co_spawn(loop_.get_executor(), std::move(task),
                   [&result](std::exception_ptr, T value) { result.emplace(std::move(value)); });
    loop_.restart();
    loop_.run();
    return std::move(*result);
  }

 private:
  asio::io_context loop_;
};

}  // namespace cusp::io
