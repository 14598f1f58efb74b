#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/kv/store.h"

// Keys as lines of JSON, for `cusp kv export` and `import`: {"key", "value" or "value_base64",
// "metadata", "expires"}; "value_base64" is for values that are no UTF-8.
namespace cusp::cli {

// Without a line break at the end.
std::string to_line(const store::kv::Entry& entry, const std::string& key, bool with_value);

// What sets the key. Errors: kInvalidArgument, the line is not as above.
Result<store::kv::Change> from_line(std::string_view line);

}  // namespace cusp::cli
