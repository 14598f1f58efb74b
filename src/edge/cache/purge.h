#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "edge/cache/object.h"

namespace cusp::edge::cache {

// What is to go out of the cache before its time.
struct Purge {
  enum class What : uint8_t {
    kUrl,     // Address::url(): every variant, also of declared variance
    kPrefix,  // every URL that starts like this
    kTag,     // every response with this surrogate tag
    kEverything,
  };
  What what = What::kUrl;
  std::string value;
  std::string name_space;  // of this application alone; empty: of all
  // Softly: it stays and counts as stale, so that it can still be validated, or stand in for an
  // origin that is down.
  bool soft = false;
};

bool matches(const Purge& purge, const Object& object);

// The object as a soft purge leaves it.
ObjectPtr softly_purged(const Object& object, Time now);

// The purges of late, for responses that were on their way meanwhile: what the origin made before a
// purge must not be stored after it. Thread-safe.
class PurgeLog {
 public:
  // To be asked for before a request goes to the origin.
  uint64_t now() const;
  void add(const Purge& purge);
  // Whether a purge since `moment` would have hit the object. Says yes also when it does not
  // remember that far back.
  bool hit_since(uint64_t moment, const Object& object) const;

 private:
  static constexpr size_t kRemembered = 8192;

  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  std::deque<Purge> recent_;  // the last ones of count_
};

}  // namespace cusp::edge::cache
