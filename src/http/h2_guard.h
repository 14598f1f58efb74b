#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cusp::http {

// An allowance that is used up piece by piece and comes back with time.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  TokenBucket(uint32_t burst, uint32_t per_second)
      : burst_(burst), per_second_(per_second), left_(burst) {}

  // False when nothing is left. `now` may be coarse; it never goes back.
  bool take(Clock::time_point now);
  // Gives some back, up to the burst.
  void give(uint32_t tokens) { left_ = std::min(left_ + tokens, static_cast<double>(burst_)); }

 private:
  uint32_t burst_;
  uint32_t per_second_;
  double left_;
  Clock::time_point last_;
};

// What a peer may cost us on one HTTP/2 connection beyond the requests that it makes. When any of
// these answers false, the connection ends with ENHANCE_YOUR_CALM. Useful traffic earns control
// frames, so that a long transfer with small windows is not taken for a flood.
class H2Guard {
 public:
  using Clock = TokenBucket::Clock;

  // PING, SETTINGS, PRIORITY, WINDOW_UPDATE, or DATA without data (CVE-2019-9511 to 9518).
  bool control_frame(Clock::time_point now) { return control_.take(now); }
  // The peer took back a request that it had made (rapid reset, CVE-2023-44487).
  bool reset_by_peer(Clock::time_point now) { return resets_.take(now); }
  // We had to reset a stream because of what the peer did on it (MadeYouReset, CVE-2025-8671).
  bool fault_of_peer(Clock::time_point now) { return faults_.take(now); }
  // A frame that moves a request or a response on.
  void useful_frame() { control_.give(kControlPerUseful); }

 private:
  static constexpr uint32_t kControlPerUseful = 4;

  TokenBucket control_{1000, 100};
  TokenBucket resets_{200, 33};
  TokenBucket faults_{100, 10};
};

}  // namespace cusp::http
