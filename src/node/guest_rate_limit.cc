#include "node/guest_rate_limit.h"

#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "edge/limits/limiter.h"

namespace cusp::node {

namespace {

using edge::Limiter;
using edge::LimiterOptions;
using engine::CallFailure;
using std::chrono::seconds;

// Rounded up: a guest that waits for so long has waited long enough.
int64_t whole_seconds(std::chrono::nanoseconds time) {
  return std::chrono::ceil<seconds>(time).count();
}

// What is wrong with a quota; null: nothing.
const char* problem_of(int64_t limit, int64_t window, std::optional<int64_t> burst) {
  constexpr int64_t kMax = limits::kEdgeRateLimitMax;
  if (limit < 1 || limit > kMax) return "the limit of a quota is between 1 and 1000000";
  if (window < 1 || seconds(window) > limits::kEdgeRateLimitWindowMax) {
    return "the window of a quota is between 1 second and 31 days";
  }
  if (burst && (*burst < 1 || *burst > kMax)) return "a burst is between 1 and 1000000";
  return nullptr;
}

class GuestRateLimit final : public host::Capability {
 public:
  void call(const engine::Arguments& arguments, const host::Caller&, engine::Call call) override {
    const std::string_view name = arguments.text(0);
    const std::string_view key = arguments.text(1);
    if (name.size() > limits::kEdgeRateLimitNameBytesMax) {
      return call.fail(CallFailure::kLimit,
                       fmt::format("the name of a rate limit has at most {} bytes",
                                   limits::kEdgeRateLimitNameBytesMax));
    }
    if (key.size() > limits::kEdgeRateLimitKeyBytesMax) {
      return call.fail(CallFailure::kLimit,
                       fmt::format("the key of a rate limit has at most {} bytes",
                                   limits::kEdgeRateLimitKeyBytesMax));
    }
    const int64_t limit = arguments.integer(2);
    const int64_t window = arguments.integer(3);
    const auto burst = arguments.optional_integer(4);
    if (const char* problem = problem_of(limit, window, burst)) {
      return call.fail(CallFailure::kInvalid, problem);
    }
    const auto algorithm = burst ? edge::Algorithm::kTokenBucket : edge::Algorithm::kSlidingWindow;
    Limiter* limiter = find_or_make(name, {.algorithm = algorithm,
                                           .limit = static_cast<uint32_t>(limit),
                                           .window = seconds(window),
                                           .burst = static_cast<uint32_t>(burst.value_or(0)),
                                           .keys_max = limits::kEdgeRateLimitKeysMax});
    if (limiter == nullptr) {
      return call.fail(
          CallFailure::kLimit,
          fmt::format("an application has at most {} rate limits, each a name with one "
                      "quota: what differs for each client belongs into the key",
                      limits::kEdgeRateLimitsMax));
    }
    const Limiter::Verdict verdict = limiter->take(key);
    call.answer({verdict.allowed, static_cast<int64_t>(verdict.remaining),
                 whole_seconds(verdict.reset), whole_seconds(verdict.retry)});
  }

 private:
  struct Named {
    std::string name;
    std::unique_ptr<Limiter> limiter;
  };

  Limiter* find(std::string_view name, const LimiterOptions& quota) const {
    for (const Named& named : limiters_) {
      const LimiterOptions& known = named.limiter->options();
      if (named.name == name && known.limit == quota.limit && known.window == quota.window &&
          known.burst == quota.burst) {
        return named.limiter.get();
      }
    }
    return nullptr;
  }

  // Null when there are too many. What was made stays.
  Limiter* find_or_make(std::string_view name, const LimiterOptions& quota) {
    {
      const std::shared_lock lock(mutex_);
      if (Limiter* limiter = find(name, quota)) return limiter;
    }
    const std::unique_lock lock(mutex_);
    if (Limiter* limiter = find(name, quota)) return limiter;
    if (limiters_.size() == limits::kEdgeRateLimitsMax) return nullptr;
    limiters_.push_back({std::string(name), std::make_unique<Limiter>(quota)});
    return limiters_.back().limiter.get();
  }

  std::shared_mutex mutex_;
  std::vector<Named> limiters_;
};

}  // namespace

std::shared_ptr<host::Capability> make_guest_rate_limit() {
  return std::make_shared<GuestRateLimit>();
}

}  // namespace cusp::node
