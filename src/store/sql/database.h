#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/blocking_pool.h"
#include "io/task.h"
#include "store/sql/connection.h"
#include "store/sql/migrations.h"
#include "store/sql/value.h"

namespace cusp::store::sql {

// What one guest, or one client, says to a database, statement after statement: its transaction,
// and what last_insert_rowid() and changes() answer. Used by one coroutine at a time; destroying it
// rolls back what it has begun. Errors: those of Connection, and kUnavailable after
// Database::close().
class Session {
 public:
  virtual ~Session() = default;

  // The answer of a statement that only reads and is known to take microseconds: for a shard.
  // Nothing: only execute() can tell.
  virtual std::optional<Result<Rows>> try_execute(const Statement& statement) = 0;
  // Runs one statement. What it changes is on disk when this returns, unless a transaction is open;
  // after an error of the disk it is not known whether it is. A transaction of which nothing is
  // heard for Limits::transaction_idle is rolled back when others wait: the next statement fails
  // with kDeadlineExceeded.
  virtual io::Task<Result<Rows>> execute(Statement statement) = 0;
  // Compiles a statement without running it.
  virtual io::Task<Result<Description>> describe(std::string text) = 0;

  virtual bool in_transaction() const = 0;
  virtual const Last& last() const = 0;
};

// One SQLite database: a file that one process has open. Thread-safe. Readers see what is
// committed, each statement as of its beginning, and wait for nobody; who writes waits for the
// writers before.
class Database {
 public:
  // Makes the file when it is missing. Blocks. `pool` outlives it. Errors: those of
  // Connection::open.
  static Result<std::shared_ptr<Database>> open(const std::string& path, const Limits& limits,
                                                io::BlockingPool& pool);
  virtual ~Database() = default;

  // The session keeps the database open.
  virtual std::unique_ptr<Session> session() = 0;
  // Applies those that were not applied yet, in their order, each in a transaction of its own. How
  // many. Blocks. Errors: kInvalidArgument with the name as context for one that fails, or that has
  // changed since it was applied.
  virtual Result<size_t> migrate(const std::vector<Migration>& migrations) = 0;
  // Ends what was begun, what takes longer than a second with kUnavailable, and takes no more.
  // Before the shards go whose coroutines wait for it. Blocks.
  virtual void close() = 0;
};

}  // namespace cusp::store::sql
