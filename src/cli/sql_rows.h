#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/sql/value.h"

// What `cusp sql` reads and prints.
namespace cusp::cli {

// The single statements of a text that ends where one does: SQLite's own idea of where that is,
// quotes, comments and triggers considered. Errors: kInvalidArgument, it ends within one.
Result<std::vector<std::string>> split_statements(const std::string& text);

// Lines of columns with spaces in between, the names first; bytes that would do something to a
// terminal are shown as "?". Without columns: how many rows were changed, if any.
std::string rows_as_text(const store::sql::Rows& rows);

// A line for each row: an object of its columns, blobs as {"base64": …}.
std::string rows_as_json(const store::sql::Rows& rows);

}  // namespace cusp::cli
