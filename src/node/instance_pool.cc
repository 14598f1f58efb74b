#include "node/instance_pool.h"

namespace cusp::node {

using Clock = std::chrono::steady_clock;

InstancePool::Kept InstancePool::take(const DeployedComponent& component) {
  if (component.manifest.reuse.requests <= 1) return {};
  auto& waiting = kept_[&component];
  const auto now = Clock::now();
  while (!waiting.empty()) {
    Kept kept = std::move(waiting.back());
    waiting.pop_back();
    if (kept.until >= now) return kept;
  }
  return {};
}

void InstancePool::give(const DeployedComponent& component, Kept kept) {
  const app::Reuse& reuse = component.manifest.reuse;
  if (kept.instance == nullptr || kept.served >= reuse.requests) return;
  const auto now = Clock::now();
  kept.until = reuse.idle.count() > 0 ? now + reuse.idle : Clock::time_point::max();
  auto& waiting = kept_[&component];
  // The oldest lie at the front: what has waited too long goes when another comes back.
  std::erase_if(waiting, [&](const Kept& other) { return other.until < now; });
  waiting.push_back(std::move(kept));
}

}  // namespace cusp::node
