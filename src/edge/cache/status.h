#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/cache/object.h"
#include "edge/cache/policy.h"

namespace cusp::edge::cache {

// What the cache did for one request, in the terms of RFC 9211.
struct Status {
  // Why the request went on to the origin (section 2.2).
  enum class Forward : uint8_t {
    kNone,      // it did not: a hit
    kBypass,    // the cache was not to be used
    kMethod,    // the method is not one that caches answer
    kUriMiss,   // nothing is stored for the URL
    kVaryMiss,  // only other variants are
    kMiss,      // nothing is stored for a reason that is not told apart
    kRequest,   // what is stored is fresh, but the client wants the origin asked
    kStale,     // what is stored has to be validated
    kPartial,   // only a part of what is wanted is stored
  };

  bool hit = false;
  Forward forward = Forward::kNone;
  std::optional<uint16_t> forward_status;  // the origin's, where the client gets another
  std::optional<Seconds> ttl;              // negative: stale
  bool stored = false;                     // the response will be in the cache
  bool collapsed = false;                  // it came from a request that was under way
  // What the answer was made of, where that was whole and in memory.
  ObjectPtr made_of;
  std::string_view detail;  // a word: "stale-if-error", "no-store"; static text

  // One word for metrics and logs: "hit", "stale", "miss", "bypass", "collapsed", "revalidated".
  std::string_view word() const;
};

// The value of a Cache-Status field from the cache named `name` (the POP); `key` is left out when
// it is empty.
std::string to_field(const Status& status, std::string_view name, std::string_view key = {});

}  // namespace cusp::edge::cache
