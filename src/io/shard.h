#pragma once

#include <functional>
#include <memory>

#include "io/task.h"

namespace cusp::io {

// One thread with its event loop; everything that serves a request lives on one. Objects of a shard
// are touched on its thread only; other threads reach it with post().
class Shard {
 public:
  // Starts the thread. `index` counts from 0 and names the thread ("cusp-shard-0").
  explicit Shard(size_t index);
  // Stops the loop and joins.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  size_t index() const;
  Executor executor() const;
  // Runs `work` on the shard's thread soon. Callable from any thread. `work` does not throw.
  void post(std::function<void()> work);
  // The same, and waits for it; not from the shard's own thread.
  void run(std::function<void()> work);
  // Ends the loop after the work that is ready; what is pending is dropped when the shard is
  // destroyed.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cusp::io
