#pragma once

#include <string>
#include <string_view>

namespace cusp::edge {

// Replaces "%41" by "A" (RFC 3986 section 2.1), once; a "%" without two hexadecimal digits stays as
// it is. The result may hold any byte.
std::string percent_decode(std::string_view text);

// The same for names and values of a query, where "+" stands for a space (WHATWG URL, section 5.1).
std::string form_decode(std::string_view text);

// Escapes what may not stand in a path as it is: all but unreserved, sub-delims, ":", "@" and "/"
// (RFC 3986 section 3.3); an escape that is there already stays. So the result is always a path
// that can be sent, whatever bytes `text` holds.
std::string percent_encode_path(std::string_view text);
// The same for a query, where "?" may stand too (section 3.4).
std::string percent_encode_query(std::string_view text);

}  // namespace cusp::edge
