#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/sql/connection.h"

namespace cusp::store::sql {

struct Migration {
  std::string name;  // of its file
  std::string text;
  std::string digest;  // SHA-256 of the text, in hexadecimal
};

// The files of `folder` that end with ".sql", by name. Blocks. Errors: those of read_file().
Result<std::vector<Migration>> read_migrations(const std::string& folder);

// Applies those that the table cusp_migrations does not name, and names them there. How many.
// Errors: see Database::migrate().
Result<size_t> apply_migrations(Connection& connection, const std::vector<Migration>& migrations);

}  // namespace cusp::store::sql
