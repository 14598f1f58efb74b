#pragma once

#include <cstdio>
#include <functional>
#include <istream>
#include <string>

#include "base/result.h"
#include "store/sql/value.h"

// A whole SQL database as text and back, for `cusp sql --dump` and `--import`.
namespace cusp::cli {

// Runs one statement in a session of the database.
using RunStatement = std::function<Result<store::sql::Rows>(store::sql::Statement)>;

// Writes statements that make the same tables, rows, indexes, views and triggers, as of one moment:
// who wants to write waits meanwhile. Virtual tables (FTS5, R-tree) are filled by their own
// statements, not with the tables that they keep. Errors: those of the database; kUnsupported (an
// FTS5 table that does not know its content); kUnavailable (`out` takes no more).
Result<> dump(const RunStatement& run, std::FILE* out);

// Runs the statements of a text, all or none: BEGIN and COMMIT in it mean nothing. How many.
// Errors: those of the database with the line as context; kInvalidArgument (a statement ends the
// transaction).
Result<size_t> import_sql(const RunStatement& run, const std::function<bool()>& in_transaction,
                          std::istream& in);

}  // namespace cusp::cli
