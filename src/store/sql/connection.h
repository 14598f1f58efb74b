#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/limits.h"
#include "base/result.h"
#include "store/sql/guard.h"
#include "store/sql/value.h"

struct sqlite3;
struct sqlite3_context;
struct sqlite3_stmt;
struct sqlite3_value;

namespace cusp::store::sql {

// The message of the error that only a database has that can take no more.
inline constexpr const char* kFull = "the database or its disk is full";

// Bounds of one database; base/limits.h has their defaults.
struct Limits {
  uint64_t database_bytes_max = limits::kSqlDatabaseBytesMax;
  size_t rows_max = limits::kSqlRowsMax;
  size_t result_bytes_max = limits::kSqlResultBytesMax;
  int parameters_max = limits::kSqlParametersMax;
  std::chrono::milliseconds time_max = limits::kSqlTimeMax;
  std::chrono::milliseconds transaction_idle = limits::kSqlTransactionIdle;

  bool operator==(const Limits&) const = default;
};

// A statement as SQLite has compiled it. Belongs to its connection.
struct Prepared {
  sqlite3_stmt* native = nullptr;
  Met met;
  bool reads = false;  // changes nothing, and begins or ends no transaction
  bool quick = false;  // took microseconds when it last ran

  // Whether it can be one of several in a transaction that its author did not begin.
  bool groups() const { return !met.transaction && !met.pragma; }
};

// How long a statement may run: an error of kDeadlineExceeded ends it.
struct Budget {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline;
  // No waiting, and values of a few KiB, so that no single step takes long.
  bool on_shard = false;
};

// When the statements of a database have to come to an end, whatever their budget. Thread-safe.
class Closing {
 public:
  bool over(Budget::Clock::time_point now) const { return now.time_since_epoch().count() > at_; }
  void set(Budget::Clock::time_point at) { at_ = at.time_since_epoch().count(); }

 private:
  std::atomic<Budget::Clock::rep> at_ = std::numeric_limits<Budget::Clock::rep>::max();
};

// One connection of SQLite. Used by one thread at a time; which one does not matter.
class Connection {
 public:
  enum class Role : uint8_t { kReader, kWriter };

  // Blocks. A writer makes the file when it is missing. `closing` outlives it. Errors:
  // kUnavailable, kDataLoss (it is not a database), kPermissionDenied.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Role role,
                                                  const Limits& limits, const Closing& closing);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The statement if it was compiled before; null: it was not, or has been forgotten.
  Prepared* find(std::string_view text);
  // Valid until the next call. Errors: kInvalidArgument (SQLite's message), kPermissionDenied.
  Result<Prepared*> prepare(const std::string& text);
  // Runs it to its end, for a session with `last`. Errors: kInvalidArgument (also for constraints),
  // kResourceExhausted (too many rows or bytes, database or memory full), kDeadlineExceeded,
  // kDataLoss, kUnavailable.
  Result<Rows> run(Prepared& prepared, const Statement& statement, const Budget& budget,
                   const Last& last = {});
  Result<Description> describe(const std::string& text);
  // Statements of Cusp's own, without an answer.
  Result<> execute(const std::string& text);
  // The same for any number of them, which are not kept compiled.
  Result<> execute_script(const std::string& text);

  bool in_transaction() const;
  // Moves what was committed from the log into the database if the log has grown.
  void checkpoint();

 private:
  struct Cached {
    Cached(std::string key, const Prepared& statement)
        : text(std::move(key)), prepared(statement) {}
    ~Cached();  // finalizes the statement
    Cached(const Cached&) = delete;
    Cached& operator=(const Cached&) = delete;

    const std::string text;
    Prepared prepared;
  };
  Connection(const Limits& limits, const Closing& closing) : limits_(limits), closing_(closing) {}

  Result<> configure(Role role);
  Result<> bind(sqlite3_stmt* native, const Statement& statement);
  Result<> collect(sqlite3_stmt* native, Rows& rows);
  Result<> set_up(const char* text);
  Error error(int code) const;
  static int on_progress(void* self);
  static void on_changes(sqlite3_context* context, int, sqlite3_value**);
  static int on_commit(void* self, sqlite3* connection, const char* name, int pages);

  const Limits limits_;
  const Closing& closing_;
  sqlite3* native_ = nullptr;
  Met met_;
  Budget::Clock::time_point deadline_;
  bool out_of_time_ = false;
  Last last_;  // of the session whose statement runs
  int log_pages_ = 0;
  std::list<Cached> cache_;  // the one used last first
  std::unordered_map<std::string_view, std::list<Cached>::iterator> by_text_;
};

}  // namespace cusp::store::sql
