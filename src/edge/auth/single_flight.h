#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "edge/exchange.h"

namespace cusp::edge {

// Sees to it that what all requests need is fetched by one of them, and not again at once when that
// failed. Shared by all shards; thread-safe.
class SingleFlight {
 public:
  // Whether try_begin() would succeed.
  bool is_due(std::chrono::milliseconds pause) const;
  // True: the caller fetches, and the flight ends with its Guard. False: somebody else does, or
  // began to within `pause`.
  bool try_begin(std::chrono::milliseconds pause);
  bool running() const;
  // Until it has ended, at most some seconds.
  io::Task<void> wait(ShardContext& shard) const;

  class Guard {
   public:
    explicit Guard(SingleFlight& flight) : flight_(flight) {}
    ~Guard() { flight_.end(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    SingleFlight& flight_;
  };

 private:
  using Clock = std::chrono::steady_clock;
  void end();

  mutable std::mutex mutex_;  // guards what follows
  bool running_ = false;
  std::optional<Clock::time_point> began_;  // the last one
};

}  // namespace cusp::edge
