#include "edge/limits/connections.h"

#include "edge/limits/client_key.h"

namespace cusp::edge {

namespace {

constexpr size_t kParts = 16;  // with a lock each

}  // namespace

ConnectionCounts::ConnectionCounts() : policy_(std::make_shared<const Policy>()) {
  for (size_t i = 0; i < kParts; ++i) parts_.push_back(std::make_unique<Part>(hash_key_));
}

void ConnectionCounts::set_policy(const ConnectionPolicy& policy) {
  auto next = std::make_shared<const Policy>(policy.per_client_max, AddressSet(policy.exempt));
  const std::scoped_lock lock(policy_mutex_);
  policy_ = std::move(next);
}

ConnectionCounts::Part& ConnectionCounts::part_of(const std::string& client) const {
  return *parts_[keyed_hash(hash_key_, client) % kParts];
}

// Everybody is counted, so that the counts are right when the policy changes.
bool ConnectionCounts::enter(const Address& peer) {
  std::shared_ptr<const Policy> policy;
  {
    const std::scoped_lock lock(policy_mutex_);
    policy = policy_;
  }
  const bool limited = policy->per_client_max > 0 && !policy->exempt.contains(peer);
  const std::string client = client_key(peer);
  Part& part = part_of(client);
  const std::scoped_lock lock(part.mutex);
  uint32_t& count = part.counts[client];
  if (limited && count >= policy->per_client_max) return false;
  ++count;
  return true;
}

void ConnectionCounts::leave(const Address& peer) {
  const std::string client = client_key(peer);
  Part& part = part_of(client);
  const std::scoped_lock lock(part.mutex);
  const auto found = part.counts.find(client);
  if (found != part.counts.end() && --found->second == 0) part.counts.erase(found);
}

uint32_t ConnectionCounts::open(const Address& peer) const {
  const std::string client = client_key(peer);
  const Part& part = part_of(client);
  const std::scoped_lock lock(part.mutex);
  const auto found = part.counts.find(client);
  return found == part.counts.end() ? 0 : found->second;
}

}  // namespace cusp::edge
