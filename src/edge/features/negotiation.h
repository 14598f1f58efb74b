#pragma once

#include <cstddef>

#include <string_view>

#include "http/fields.h"

namespace cusp::edge {

// Whether an Accept field names text/html as something that the client wants (RFC 9110 section
// 12.5.1). A wildcard does not count: programs send it, and rather read a status than a page.
bool accepts_html(std::string_view accept);

// Adds `name`, in lower case, to the Vary field, unless that names it already (section 12.5.5).
void vary_by(http::Fields& fields, std::string_view name);

inline constexpr size_t kPageBytesMax = 256 * 1024;  // of a page that stands in for a response

}  // namespace cusp::edge
