#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "edge/auth/fetch.h"
#include "edge/auth/key.h"
#include "edge/auth/single_flight.h"

namespace cusp::edge {

// Where the keys for tokens come from: written down, or a JSON Web Key Set elsewhere, which is
// fetched when it is needed. Shared by all shards; thread-safe.
class KeySource {
 public:
  using KeysPtr = std::shared_ptr<const std::vector<Key>>;

  struct Remote {
    Url url;
    bool private_addresses = false;
    std::chrono::milliseconds lifetime{600'000};  // then it is fetched again
    // Between two attempts, so that tokens with invented key ids and an issuer that is down cost
    // next to nothing.
    std::chrono::milliseconds pause{30'000};
  };

  explicit KeySource(std::vector<Key> keys);
  explicit KeySource(Remote remote);

  // What is known now; null: nothing has ever been fetched. Old keys count until there are new
  // ones.
  KeysPtr keys() const;

  // Whether refresh() would be of use: the keys are old, or not there, or (`unknown`) a token names
  // one that is not among them, and the last attempt was some time ago.
  bool wants_refresh(bool unknown) const;
  // Fetches the keys, or waits for whoever does, at most some seconds. When it fails, all stays as
  // it is.
  io::Task<void> refresh(ShardContext& shard, bool unknown);

 private:
  using Clock = std::chrono::steady_clock;

  std::chrono::milliseconds pause() const;
  bool is_needed(bool unknown) const;
  io::Task<Result<std::vector<Key>>> ask(ShardContext& shard) const;

  const std::optional<Remote> remote_;  // nothing: the keys are written down
  SingleFlight flight_;
  mutable std::mutex mutex_;  // guards what follows
  KeysPtr keys_;
  Clock::time_point fetched_;
};

}  // namespace cusp::edge
