#pragma once

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "store/sql/value.h"

namespace cusp::store::sql {

// A value as Hrana 3 writes it (the libSQL project's HRANA_3_SPEC.md, "Values"): an object with a
// type; integers as text, blobs in base 64. A float that is not finite has no such form and becomes
// null.
nlohmann::json to_hrana(const Value& value);
// Blobs may be padded or not. Errors: kInvalidArgument.
Result<Value> read_hrana(const nlohmann::json& from);

}  // namespace cusp::store::sql
