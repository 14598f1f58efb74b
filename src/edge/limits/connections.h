#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "edge/address_set.h"
#include "edge/limits/hash.h"
#include "http/server.h"

namespace cusp::edge {

// How many connections a client may hold at once. Filled in by the node's features as they are
// read.
struct ConnectionPolicy {
  uint32_t per_client_max = 0;       // 0: as many as it likes
  std::vector<AddressBlock> exempt;  // proxies, who speak for many
};

// Counts the open connections of each client (client_key()) over all shards. As large as the
// servers' own limits on connections let it become. Thread-safe.
class ConnectionCounts final : public http::Gate {
 public:
  ConnectionCounts();

  // From now on; what is open stays open.
  void set_policy(const ConnectionPolicy& policy);

  bool enter(const Address& peer) override;
  void leave(const Address& peer) override;
  // Of the client that `peer` belongs to.
  uint32_t open(const Address& peer) const;

 private:
  struct Hash {
    HashKey key;
    size_t operator()(const std::string& text) const { return keyed_hash(key, text); }
  };
  struct Part {
    explicit Part(const HashKey& key) : counts(0, Hash{key}) {}
    mutable std::mutex mutex;
    std::unordered_map<std::string, uint32_t, Hash> counts;
  };
  struct Policy {
    uint32_t per_client_max = 0;
    AddressSet exempt;
  };
  Part& part_of(const std::string& client) const;

  const HashKey hash_key_ = random_hash_key();
  std::vector<std::unique_ptr<Part>> parts_;
  mutable std::mutex policy_mutex_;
  std::shared_ptr<const Policy> policy_;  // shared with those who just ask it
};

}  // namespace cusp::edge
