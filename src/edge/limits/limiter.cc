#include "edge/limits/limiter.h"

#include <algorithm>
#include <bit>

namespace cusp::edge {

namespace {

constexpr size_t kLocks = 64;

uint64_t step_of(const LimiterOptions& options) {
  const auto window = static_cast<uint64_t>(options.window.count());
  const bool bucket = options.algorithm == Algorithm::kTokenBucket;
  const uint64_t steps = bucket ? options.limit : 7;
  return (window + steps - 1) / steps;
}

}  // namespace

Limiter::Limiter(const LimiterOptions& options)
    : options_(options),
      step_(step_of(options)),
      sets_(std::max<size_t>(1, std::bit_ceil(options.keys_max) / kWays)),
      entries_(sets_ * kWays),
      locks_(std::min(kLocks, sets_)) {}

// Later than the clock says by more than a window, so that no part's number is below kParts.
uint64_t Limiter::since_start(Clock::time_point now) const {
  return static_cast<uint64_t>(std::max<int64_t>(0, (now - start_).count())) + kParts * step_;
}

// A lock covers whole sets: it is picked by bits of the hash that the set is picked by too.
Limiter::Entry* Limiter::find(uint64_t hash) {
  Entry* const first = &entries_[((hash >> 32) & (sets_ - 1)) * kWays];
  for (Entry* entry = first; entry != first + kWays; ++entry) {
    if (entry->tag == hash) return entry;
  }
  return nullptr;
}

Limiter::Entry& Limiter::find_or_replace(uint64_t hash, uint64_t now) {
  if (Entry* entry = find(hash)) return *entry;
  Entry* const first = &entries_[((hash >> 32) & (sets_ - 1)) * kWays];
  Entry* const least = std::min_element(first, first + kWays, [&](const Entry& a, const Entry& b) {
    return used(a, now) < used(b, now);
  });
  *least = {.tag = hash};
  return *least;
}

// How many requests the entry stands for now; 0: forgetting it changes nothing.
uint64_t Limiter::used(const Entry& entry, uint64_t now) const {
  if (entry.tag == 0) return 0;
  if (options_.algorithm == Algorithm::kTokenBucket) {
    return entry.at <= now ? 0 : (entry.at - now + step_ - 1) / step_;
  }
  uint64_t sum = 0;
  const uint64_t part = now / step_;
  for (uint64_t age = 0; age < kParts; ++age) {
    if (entry.at - age + kParts > part) sum += entry.taken[(entry.at - age) % kParts];
  }
  return sum;
}

Limiter::Verdict Limiter::take(std::string_view key, Clock::time_point when) {
  const uint64_t now = since_start(when);
  const uint64_t hash = std::max<uint64_t>(1, keyed_hash(hash_key_, key));
  const std::scoped_lock lock(lock_of(hash));
  Entry& entry = find_or_replace(hash, now);
  return options_.algorithm == Algorithm::kTokenBucket ? take_token(entry, now)
                                                       : take_window(entry, now);
}

Limiter::Verdict Limiter::take_window(Entry& entry, uint64_t now) const {
  const uint64_t part = now / step_;
  if (part >= entry.at + kParts) entry.taken.fill(0);
  // A thread whose clock was read before another's may come later: it counts in the newer part.
  else
    for (uint64_t next = entry.at + 1; next <= part; ++next) entry.taken[next % kParts] = 0;
  entry.at = std::max(entry.at, part);
  const uint64_t taken = used(entry, now);
  if (taken < options_.limit) {
    ++entry.taken[entry.at % kParts];
    return {.allowed = true,
            .remaining = static_cast<uint32_t>(options_.limit - taken - 1),
            .reset = std::chrono::nanoseconds((entry.at + kParts) * step_ - now),
            .retry = {}};
  }
  Verdict verdict{.allowed = false, .remaining = 0, .reset = {}, .retry = {}};
  for (uint64_t oldest = entry.at + 1 - kParts; oldest <= entry.at; ++oldest) {
    if (entry.taken[oldest % kParts] == 0) continue;
    verdict.reset = std::chrono::nanoseconds((oldest + kParts) * step_ - now);
    if (verdict.retry.count() == 0) verdict.retry = verdict.reset;
  }
  return verdict;
}

// The generic cell rate algorithm (ITU-T I.371): `at` is when the bucket would be full again.
Limiter::Verdict Limiter::take_token(Entry& entry, uint64_t now) const {
  const uint64_t capacity = options_.quota();
  const uint64_t depth = capacity * step_;
  const uint64_t full_at = std::max(entry.at, now);
  const bool allowed = full_at + step_ <= now + depth;
  if (allowed) entry.at = full_at + step_;
  const uint64_t behind = std::max(entry.at, now) - now;
  return {.allowed = allowed,
          .remaining = static_cast<uint32_t>(behind >= depth ? 0 : (depth - behind) / step_),
          .reset = std::chrono::nanoseconds(behind),
          .retry = std::chrono::nanoseconds(allowed ? 0 : full_at + step_ - now - depth)};
}

void Limiter::give_back(std::string_view key) {
  const uint64_t hash = std::max<uint64_t>(1, keyed_hash(hash_key_, key));
  const std::scoped_lock lock(lock_of(hash));
  Entry* const entry = find(hash);
  if (entry == nullptr) return;
  if (options_.algorithm == Algorithm::kTokenBucket) {
    entry->at = std::max(entry->at, step_) - step_;
  } else if (uint32_t& taken = entry->taken[entry->at % kParts]; taken > 0) {
    --taken;  // perhaps not the part in which it was taken: the sum is what counts
  }
}

}  // namespace cusp::edge
