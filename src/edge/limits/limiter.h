#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "edge/limits/hash.h"

namespace cusp::edge {

enum class Algorithm : uint8_t {
  // At most `limit` in any stretch of `window`. What was taken is forgotten in steps of a seventh
  // of the window, so some of it counts for that much longer.
  kSlidingWindow,
  // `burst` at once; what was taken comes back at `limit` for each `window`.
  kTokenBucket,
};

struct LimiterOptions {
  Algorithm algorithm = Algorithm::kSlidingWindow;
  uint32_t limit = 1;
  std::chrono::nanoseconds window = std::chrono::seconds(1);
  uint32_t burst = 0;           // of a token bucket; 0: as many as `limit`
  size_t keys_max = 64 * 1024;  // rounded up to a power of two

  // How many at once.
  uint32_t quota() const { return burst != 0 ? burst : limit; }
};

// Counts what each of many keys takes, in memory that never grows. Thread-safe; one object serves
// all shards, and never admits more than its limit however many threads ask.
//
// The keys lie in a table of sets of kWays entries; a hash under a secret key picks the set. A key
// that finds its set full takes the place of one whose count is over, else of the one that has
// taken the least: so a flood of keys evicts itself. To have one evicted that has taken n, somebody
// must spend more than n with each of kWays other keys that fall into its set, and as nobody can
// tell which do, with about kWays · keys_max of them.
class Limiter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kWays = 8;

  struct Verdict {
    bool allowed;
    uint32_t remaining;              // whole requests that could follow at once
    std::chrono::nanoseconds reset;  // until all of the quota is there again
    std::chrono::nanoseconds retry;  // until one request is admitted again; zero when allowed
  };

  explicit Limiter(const LimiterOptions& options);

  // Takes one for `key` if there is one left.
  Verdict take(std::string_view key, Clock::time_point now = Clock::now());
  // Gives one back that was taken: something else refused the request.
  void give_back(std::string_view key);

  const LimiterOptions& options() const { return options_; }
  // What the table takes when it is full.
  size_t bytes() const { return entries_.size() * sizeof(Entry); }

 private:
  // A window is seen as this many parts, the last of which has just begun.
  static constexpr size_t kParts = 8;

  // Times are nanoseconds since the limiter was made.
  struct Entry {
    uint64_t tag = 0;                      // 0: free
    uint64_t at = 0;                       // bucket: when it is full again; window: the latest part
    std::array<uint32_t, kParts> taken{};  // window: in part n, at n % kParts
  };

  Entry* find(uint64_t hash);
  Entry& find_or_replace(uint64_t hash, uint64_t now);
  std::mutex& lock_of(uint64_t hash) { return locks_[(hash >> 32) % locks_.size()]; }
  uint64_t used(const Entry& entry, uint64_t now) const;
  Verdict take_window(Entry& entry, uint64_t now) const;
  Verdict take_token(Entry& entry, uint64_t now) const;
  uint64_t since_start(Clock::time_point now) const;

  const LimiterOptions options_;
  const uint64_t step_;  // nanoseconds; bucket: between two tokens; window: of a part
  const HashKey hash_key_ = random_hash_key();
  const Clock::time_point start_ = Clock::now();
  size_t sets_;
  std::vector<Entry> entries_;
  std::vector<std::mutex> locks_;
};

}  // namespace cusp::edge
