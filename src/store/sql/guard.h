#pragma once

struct sqlite3;

namespace cusp::store::sql {

// What SQLite's compiler has met in a statement.
struct Met {
  bool transaction = false;  // BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE
  bool pragma = false;
  bool changes = false;          // INSERT, UPDATE, DELETE of rows
  const char* denied = nullptr;  // why the statement may not be; static
};

// Keeps statements within their database: no ATTACH (and with it no VACUUM INTO), no pragma that
// reaches files, memory or checks, no temporary tables (connections are shared). Settings that
// Cusp makes itself are ignored where apps commonly ask for them, such as journal_mode. `met` is
// filled while a statement is compiled and outlives the connection.
void guard(sqlite3* connection, Met& met);

}  // namespace cusp::store::sql
