#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "edge/cache/policy.h"

namespace cusp::edge::cache {

// Reads an HTTP date in any of its three forms (RFC 9110 section 5.6.7), names in any case (RFC
// 9111 section 4.2). A year of two digits is the one that is at most 50 years after `now`. Nothing
// for all else, such as another time zone or a space too many.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text, Time now);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_date(std::chrono::sys_seconds time);

}  // namespace cusp::edge::cache
