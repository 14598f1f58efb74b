#include "http/h2_guard.h"

namespace cusp::http {

bool TokenBucket::take(Clock::time_point now) {
  if (now > last_) {
    const double seconds = std::chrono::duration<double>(now - last_).count();
    left_ = std::min(left_ + seconds * per_second_, static_cast<double>(burst_));
    last_ = now;
  }
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

bool SkippedStreams::opens(int32_t id) {
  if (id > highest_) {
    if (id > highest_ + 2) {
      gaps_[next_gap_] = {highest_ + 2, id - 2};
      next_gap_ = (next_gap_ + 1) % kGapsMax;
    }
    highest_ = id;
    return true;
  }
  return std::ranges::none_of(
      gaps_, [id](const Gap& gap) { return gap.first > 0 && id >= gap.first && id <= gap.last; });
}

}  // namespace cusp::http
