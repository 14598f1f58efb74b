#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/invocation.h"
#include "node/deployment.h"

namespace cusp::node {

// Instances of components that opted in to reuse, waiting for their next request. Belongs to one
// shard.
class InstancePool {
 public:
  struct Kept {
    engine::InstancePtr instance{nullptr, nullptr};
    uint32_t served = 0;
    std::chrono::steady_clock::time_point until;
  };

  // One that may serve another request, or one without an instance: then a fresh one is to be made.
  Kept take(const DeployedComponent& component);
  // Keeps it if it may serve again.
  void give(const DeployedComponent& component, Kept kept);
  void clear() { kept_.clear(); }

 private:
  std::unordered_map<const DeployedComponent*, std::vector<Kept>> kept_;
};

}  // namespace cusp::node
