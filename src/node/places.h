#pragma once

#include <string_view>

#include "base/result.h"
#include "edge/geo.h"

namespace cusp::node {

// Where a client is pretended to be (`cusp dev --from`): a city of the built-in table ("tokyo",
// "new york"), a country ("JP", ISO 3166-1 alpha-2), or the place of an address according to `geo`.
// Errors: kInvalidArgument with what is known; kNotFound for an address when `geo` is null or knows
// nothing of it.
Result<edge::Place> find_place(std::string_view text, const edge::Geo* geo);

}  // namespace cusp::node
