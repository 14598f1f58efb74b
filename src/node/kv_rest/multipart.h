#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cusp::node::kv_rest {

// The fields of a form by their names (RFC 7578), of a body that is in memory. `content_type` is
// that of the request. Errors: kInvalidArgument: no boundary, a part without an end or a name, a
// name twice, or more than kPartsMax.
Result<std::map<std::string, std::string>> parse_form(std::string_view content_type,
                                                      std::string_view body);

inline constexpr size_t kPartsMax = 16;

}  // namespace cusp::node::kv_rest
