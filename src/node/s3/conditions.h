#pragma once

#include <string_view>

#include "http/fields.h"
#include "node/s3/failure.h"
#include "store/object/head.h"

// Conditional requests (RFC 9110 section 13).
namespace cusp::node::s3 {

enum class Met : uint8_t { kYes, kNotModified, kNo };

// Of a read: If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, each with `prefix`
// before its name ("x-amz-copy-source-" for the source of a copy).
Met check_read(const http::Fields& fields, std::string_view prefix,
               const store::object::Head& head);

// Of a write: If-Match and If-None-Match; empty when there is neither.
store::object::Condition write_condition(const http::Fields& fields);
// What to answer when it was not met, given whether there is an object.
std::unexpected<Failure> not_met(const http::Fields& fields, bool present);

}  // namespace cusp::node::s3
