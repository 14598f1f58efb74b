#pragma once

#include <optional>
#include <string_view>

#include "http/fields.h"

// Proactive negotiation (RFC 9110 section 12): what the weights of a client's lists say.
namespace cusp::edge {

inline constexpr int kWeightMax = 1000;

// The weight of a member of a list in thousandths, by its parameters ("q=0.25", "level=1;q=0"):
// kWeightMax when none is a weight, nothing when one is malformed (section 12.4.2).
std::optional<int> weight_of(std::string_view parameters);

// Whether an Accept field names text/html as something that the client wants (section 12.5.1). A
// wildcard does not count: programs send it, and rather read a status than a page.
bool accepts_html(std::string_view accept);

// Adds `name`, in lower case, to the Vary field, unless that names it already (section 12.5.5).
void add_vary(http::Fields& fields, std::string_view name);

}  // namespace cusp::edge
