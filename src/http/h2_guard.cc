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

}  // namespace cusp::http
