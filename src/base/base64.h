#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cusp {

// Base 64 (RFC 4648). Decoding is strict: no white space, no bits left over, so that one text
// stands for one value.
std::string base64url_encode(std::string_view bytes);  // section 5, without padding
// Padding is refused.
std::optional<std::string> base64url_decode(std::string_view text);
// Section 4, with its padding, as the next one.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace cusp
