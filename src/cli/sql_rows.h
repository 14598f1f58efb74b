#pragma once

#include <string>

#include "store/sql/value.h"

// What `cusp sql` prints.
namespace cusp::cli {

// Lines of columns with spaces in between, the names first; bytes that would do something to a
// terminal are shown as "?". Without columns: how many rows were changed, if any.
std::string rows_as_text(const store::sql::Rows& rows);

// A line for each row: an object of its columns, blobs as {"base64": …}.
std::string rows_as_json(const store::sql::Rows& rows);

}  // namespace cusp::cli
