#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/cache/policy.h"
#include "http/fields.h"

namespace cusp::edge::cache {

// What a Cache-Control field says, of a request or a response (RFC 9111 section 5.2, RFC 5861).
// Values that are no numbers count as 0, numbers too large as kDeltaMax, and of two that contradict
// each other the smaller: a mistake makes a response stale, never fresh.
struct Directives {
  bool no_store = false;
  bool no_cache = false;  // of the whole response
  std::vector<std::string> no_cache_fields;
  bool is_private = false;  // of the whole response
  std::vector<std::string> private_fields;
  bool is_public = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool only_if_cached = false;
  std::optional<Seconds> max_age;
  std::optional<Seconds> s_maxage;
  std::optional<Seconds> stale_while_revalidate;
  std::optional<Seconds> stale_if_error;
  std::optional<Seconds> min_fresh;
  std::optional<Seconds> max_stale;  // without a value: kDeltaMax
};

// 2^31 seconds (RFC 9111 section 1.2.2).
inline constexpr Seconds kDeltaMax{1LL << 31};

// A non-negative integer, at most kDeltaMax; nothing for anything else.
std::optional<Seconds> parse_delta(std::string_view text);

// All Cache-Control fields of a message together.
Directives parse_cache_control(const http::Fields& fields);

// A request's, with Pragma where there is no Cache-Control (RFC 9111 section 5.4).
Directives parse_request_directives(const http::Fields& fields);

// A targeted field (RFC 9213): a dictionary of structured fields (RFC 9651). Nothing when it is not
// there, empty, or not valid, one value of the wrong type included.
std::optional<Directives> parse_targeted(const http::Fields& fields, std::string_view name);

// Surrogate-Control (W3C Edge Architecture): the directives for everybody and those for `device`.
// Nothing when it has none that we know.
std::optional<Directives> parse_surrogate_control(const http::Fields& fields,
                                                  std::string_view device);

}  // namespace cusp::edge::cache
