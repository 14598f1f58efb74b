#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "edge/cache/directives.h"
#include "edge/cache/policy.h"
#include "http/message.h"

namespace cusp::edge::cache {

// How long a stored response may be used, and for what (RFC 9111 section 4.2, RFC 5861).
struct Freshness {
  Time received;           // when the response came
  Seconds initial_age{0};  // how old it was then (corrected_initial_age)
  Seconds lifetime{0};
  Seconds stale_while_revalidate{0};
  Seconds stale_if_error{0};
  bool validate_always = false;  // no-cache, or softly purged
  bool must_revalidate = false;  // never used stale, whatever a client says

  bool operator==(const Freshness&) const = default;

  std::chrono::milliseconds age(Time now) const;
  // Negative once it is stale.
  std::chrono::milliseconds left(Time now) const;
};

enum class Use : uint8_t {
  kFresh,                 // as it is
  kStaleWhileRevalidate,  // as it is, while it is validated behind the client's back
  kValidate,              // only after the origin was asked
};

// What a stored response is good for at `now`, for a client that asks with `request`.
Use use_of(const Freshness& freshness, const Directives& request, const Policy& policy, Time now);

// Whether it may stand in for an error of the origin.
bool usable_on_error(const Freshness& freshness, Time now);

// Whether and how a response may be stored (RFC 9111 section 3).
struct Verdict {
  bool store = false;
  bool shareable = false;   // nobody forbids to; it may only lack freshness
  const char* reason = "";  // why not; for Cache-Status and explanations
  Freshness freshness;
  std::vector<std::string> withheld_fields;  // of no-cache="…" and private="…": not to be stored
};

// `requested` and `received` are when the request was sent and the response's head came. `request`
// are the fields of a GET; for another method the caller knows when its response stands for that of
// a GET.
Verdict judge(const http::Fields& request, const http::Response& response, const Policy& policy,
              Time requested, Time received);

// The directives that count for this cache: of the first targeted field that is valid, of
// Surrogate-Control, or of Cache-Control. `targeted` tells that it was not the last, so that
// Expires does not count either (RFC 9213 section 2.2).
struct Effective {
  Directives directives;
  bool targeted = false;
};
Effective effective_directives(const http::Fields& fields, const Policy& policy);

// Whether the status may be cached without the origin's saying so (RFC 9110 section 15.1).
bool is_heuristically_cacheable(uint16_t status);
// Whether we know what the status means for caches (RFC 9111 section 5.2.2.3).
bool is_understood(uint16_t status);

}  // namespace cusp::edge::cache
