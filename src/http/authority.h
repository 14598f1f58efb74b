#pragma once

#include <string_view>

namespace cusp::http {

// Whether text is what Host and :authority hold: uri-host [ ":" port ] (RFC 9110 section 7.2), with
// nothing that one parser could take for the end of the host and another for a part of it.
bool valid_authority(std::string_view text);

}  // namespace cusp::http
