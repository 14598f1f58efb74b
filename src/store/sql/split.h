#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::store::sql {

// The single statements of a text: what ends with a semicolon, and what is left at the end; quotes,
// comments and the bodies of triggers considered. Without those that are empty. Takes time in
// proportion to the text. Errors: kInvalidArgument, it ends within a quote, comment or trigger.
Result<std::vector<std::string>> split_statements(std::string_view text);

}  // namespace cusp::store::sql
