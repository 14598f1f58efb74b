#pragma once

#include <atomic>
#include <memory>

#include "io/asio.h"
#include "node/app_handler.h"

namespace cusp::node::triggers {

// Where triggers run: a shard. For .cc files.
struct Place {
  io::Executor executor;
  AppHandler* handler;  // used on that shard alone
};

// The triggers of one table of apps, from when it is set until the next one is. Shared by their
// coroutines, which end soon after it is stopped.
struct Running {
  std::atomic<bool> stopped = false;
  std::atomic<int> busy = 0;  // invocations under way
};

// Counts an invocation for as long as it lives.
class Busy {
 public:
  explicit Busy(Running& running) : running_(running) { ++running_.busy; }
  ~Busy() { --running_.busy; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Running& running_;
};

}  // namespace cusp::node::triggers
