#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace cusp::http {

// How long a client may still keep one direction of a message waiting. Waiting uses that time up,
// and bytes that move give some of it back: a client that moves fewer of them than the rate, by the
// time that it is waited for, runs out of it, however evenly it moves them. What it is not waited
// for costs it nothing.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;

  // `patience` is what there is at first and at most; `bytes_per_second` is not 0.
  Pace(milliseconds patience, uint32_t bytes_per_second)
      : patience_(patience), left_(patience), bytes_per_second_(bytes_per_second) {}

  // The client is waited for from now on, if it was not already; for how long at most.
  milliseconds wait(Clock::time_point now) {
    if (!since_) since_ = now;
    return std::max(left_ - elapsed(now), milliseconds(0));
  }

  // Bytes have moved, and the wait for them, if there was one, is over.
  void moved(size_t bytes, Clock::time_point now) {
    left_ -= elapsed(now);
    since_.reset();
    // More than a part of a body makes no difference, and cannot overflow.
    const uint64_t earned = std::min<uint64_t>(bytes, UINT32_MAX) * 1000 / bytes_per_second_;
    left_ = std::min(left_ + milliseconds(earned), patience_);
  }

 private:
  milliseconds elapsed(Clock::time_point now) const {
    return since_ ? std::chrono::duration_cast<milliseconds>(now - *since_) : milliseconds(0);
  }

  milliseconds patience_;
  milliseconds left_;
  uint32_t bytes_per_second_;
  std::optional<Clock::time_point> since_;
};

}  // namespace cusp::http
