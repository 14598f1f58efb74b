#pragma once

#include <memory>
#include <optional>

#include "host/capability.h"
#include "io/task.h"
#include "store/sql/database.h"

namespace cusp::host {

// What one guest says to a database, statement after statement. Belongs to its shard; used by one
// coroutine at a time. Destroying it rolls back what it has begun. Errors are those of
// store::sql::Session, with the database's own words; kFull is the message of one that can take no
// more.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;

  // The answer of a statement that needs no waiting. Nothing: execute() tells.
  virtual std::optional<Result<store::sql::Rows>> try_execute(
      const store::sql::Statement& statement) = 0;
  virtual io::Task<Result<store::sql::Rows>> execute(store::sql::Statement statement) = 0;
};

// What a component knows a database's name for, wherever it lies. Thread-safe.
class SqlDatabase {
 public:
  virtual ~SqlDatabase() = default;

  // Waits for nothing and nobody. May outlive `caller`, which is valid for this function only.
  virtual std::unique_ptr<SqlConnection> connect(const Caller& caller) = 0;
};

// One of this node's own stores.
std::shared_ptr<SqlDatabase> make_embedded_database(std::shared_ptr<store::sql::Database> database);

}  // namespace cusp::host
