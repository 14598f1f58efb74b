#include "store/sql/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "store/sql/checked_files.h"

namespace cusp::store::sql {

namespace {

constexpr size_t kCachedMax = 64;
constexpr int kStepsPerLook = 200;  // of SQLite's virtual machine, between two looks at the clock
constexpr int kShortValueBytes = 16 * limits::kKiB;
constexpr int kLikePatternBytesMax = 256;
constexpr int kBusyMs = 1000;  // while the log is read again or cut
constexpr int kPageBytes = 4096;
constexpr int kCheckpointPages = 1000;
constexpr int kTruncatePages = 16'000;  // beyond it readers are waited for

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return ErrorCode::kResourceExhausted;
    case SQLITE_INTERRUPT: return ErrorCode::kDeadlineExceeded;
    case SQLITE_AUTH: return ErrorCode::kPermissionDenied;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: return ErrorCode::kUnavailable;
    case SQLITE_MISUSE: return ErrorCode::kInternal;
    default: return ErrorCode::kInvalidArgument;
  }
}

size_t bytes_of(const Value& value) {
  size_t bytes = sizeof(Value);
  if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
  if (const auto* blob = std::get_if<Blob>(&value)) bytes += blob->bytes.size();
  return bytes;
}

Value column_value(sqlite3_stmt* native, int column) {
  // The pointer first: a conversion changes the size.
  const auto bytes = [&](const void* data) {
    return std::string(static_cast<const char*>(data),
                       static_cast<size_t>(sqlite3_column_bytes(native, column)));
  };
  switch (sqlite3_column_type(native, column)) {
    case SQLITE_INTEGER: return sqlite3_column_int64(native, column);
    case SQLITE_FLOAT: return sqlite3_column_double(native, column);
    case SQLITE_TEXT: return bytes(sqlite3_column_text(native, column));
    case SQLITE_BLOB: {
      const void* data = sqlite3_column_blob(native, column);
      return data == nullptr ? Blob{} : Blob{bytes(data)};
    }
    default: return std::monostate();
  }
}

struct Binder {
  sqlite3_stmt* native;
  int index;
  int operator()(std::monostate) const { return sqlite3_bind_null(native, index); }
  int operator()(int64_t value) const { return sqlite3_bind_int64(native, index, value); }
  int operator()(double value) const { return sqlite3_bind_double(native, index, value); }
  // Not copied: the statement ends before its parameters do.
  int operator()(const std::string& text) const {
    return sqlite3_bind_text64(native, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(const Blob& blob) const {
    if (blob.bytes.empty()) return sqlite3_bind_zeroblob(native, index, 0);
    return sqlite3_bind_blob64(native, index, blob.bytes.data(), blob.bytes.size(), SQLITE_STATIC);
  }
};

// Leaves a statement as it was before it ran.
struct Reset {
  sqlite3_stmt* native;
  ~Reset() {
    sqlite3_reset(native);
    sqlite3_clear_bindings(native);
  }
};

std::vector<Column> columns_of(sqlite3_stmt* native) {
  std::vector<Column> columns(static_cast<size_t>(sqlite3_column_count(native)));
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i].name = sqlite3_column_name(native, static_cast<int>(i));
    const char* type = sqlite3_column_decltype(native, static_cast<int>(i));
    if (type != nullptr) columns[i].type = type;
  }
  return columns;
}

}  // namespace

Connection::Cached::~Cached() { sqlite3_finalize(prepared.native); }

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Role role,
                                                     const Limits& limits, const Closing& closing) {
  if (role == Role::kWriter) CUSP_CHECK(prepare_checked(path));
  std::unique_ptr<Connection> connection(new Connection(limits, closing));
  const int flags =
      role == Role::kWriter ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  int result =
      sqlite3_open_v2(path.c_str(), &connection->native_,
                      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, checked_files());
  CUSP_ASSERT(connection->native_ != nullptr);
  Result<> done;
  if (result != SQLITE_OK) done = std::unexpected(connection->error(result));
  if (done) done = connection->configure(role);
  if (!done) {
    Error error = std::move(done).error();
    error.context = path;
    return std::unexpected(std::move(error));
  }
  return connection;
}

Connection::~Connection() {
  by_text_.clear();
  cache_.clear();
  sqlite3_close(native_);
}

Result<> Connection::configure(Role role) {
  sqlite3_db_config(native_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(native_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_busy_timeout(native_, kBusyMs);
  sqlite3_progress_handler(native_, kStepsPerLook, on_progress, this);
  if (role == Role::kWriter) {
    int reserved = kChecksumBytes;
    sqlite3_file_control(native_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    CUSP_CHECK(set_up("PRAGMA auto_vacuum = INCREMENTAL"));
    CUSP_CHECK(set_up("PRAGMA journal_mode = WAL"));
    CUSP_CHECK(set_up("PRAGMA synchronous = FULL"));
    const auto pages = limits_.database_bytes_max / kPageBytes;
    CUSP_CHECK(set_up(fmt::format("PRAGMA max_page_count = {}", pages).c_str()));
    sqlite3_wal_hook(native_, on_commit, this);
    // What a crash has left goes into the database: nothing is appended to a log with a torn end.
    CUSP_CHECK(set_up("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  // SQLite's own counts what the connection did, whoever used it.
  sqlite3_create_function_v2(native_, "changes", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, this,
                             on_changes, nullptr, nullptr, nullptr);
  CUSP_CHECK(set_up("PRAGMA cache_size = -2000"));
  CUSP_CHECK(set_up("PRAGMA cell_size_check = ON"));
  // Reads the schema: a file that is not a database is found out here.
  CUSP_CHECK(set_up("PRAGMA user_version"));
  sqlite3_limit(native_, SQLITE_LIMIT_LENGTH, static_cast<int>(limits::kSqlValueBytesMax));
  sqlite3_limit(native_, SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(limits::kSqlTextBytesMax));
  sqlite3_limit(native_, SQLITE_LIMIT_VARIABLE_NUMBER, limits_.parameters_max);
  sqlite3_limit(native_, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, kLikePatternBytesMax);
  sqlite3_limit(native_, SQLITE_LIMIT_COMPOUND_SELECT, 100);
  sqlite3_limit(native_, SQLITE_LIMIT_TRIGGER_DEPTH, 30);
  sqlite3_limit(native_, SQLITE_LIMIT_VDBE_OP, 100'000);
  sqlite3_limit(native_, SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_limit(native_, SQLITE_LIMIT_ATTACHED, 0);
  guard(native_, met_);
  return {};
}

Result<> Connection::set_up(const char* text) {
  deadline_ = Budget::Clock::now() + limits_.time_max;
  const int result = sqlite3_exec(native_, text, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return std::unexpected(error(result));
  return {};
}

Result<> Connection::execute(const std::string& text) {
  const Budget budget{Budget::Clock::now() + limits_.time_max};
  CUSP_TRY(Prepared * prepared, prepare(text));
  CUSP_TRY([[maybe_unused]] const Rows rows, run(*prepared, Statement{.text = text}, budget));
  return {};
}

Result<> Connection::execute_script(const std::string& text) {
  met_ = {};
  out_of_time_ = false;
  return set_up(text.c_str());
}

Prepared* Connection::find(std::string_view text) {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return nullptr;
  cache_.splice(cache_.begin(), cache_, found->second);
  return &found->second->prepared;
}

Result<Prepared*> Connection::prepare(const std::string& text) {
  if (Prepared* known = find(text)) return known;
  if (text.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "an SQL statement holds no zero byte");
  }
  met_ = {};
  out_of_time_ = false;
  deadline_ = Budget::Clock::now() + limits_.time_max;
  Prepared prepared;
  const char* rest = nullptr;
  const int result = sqlite3_prepare_v3(
      native_, text.data(),
      static_cast<int>(std::min<size_t>(text.size(), limits::kSqlTextBytesMax + 1)),
      SQLITE_PREPARE_PERSISTENT, &prepared.native, &rest);
  if (result != SQLITE_OK) return std::unexpected(error(result));
  if (prepared.native == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "there is no SQL statement in this text");
  }
  prepared.met = met_;
  prepared.reads = sqlite3_stmt_readonly(prepared.native) != 0 && !met_.transaction;
  Cached& cached = cache_.emplace_front(text, prepared);
  by_text_.emplace(cached.text, cache_.begin());
  if (cache_.size() > kCachedMax) {
    by_text_.erase(cache_.back().text);
    cache_.pop_back();
  }
  sqlite3_stmt* second = nullptr;
  const size_t used = static_cast<size_t>(rest - text.data());
  const int more =
      sqlite3_prepare_v3(native_, rest, static_cast<int>(text.size() - used), 0, &second, nullptr);
  sqlite3_finalize(second);
  if (more != SQLITE_OK || second != nullptr) {
    by_text_.erase(cached.text);
    cache_.pop_front();
    return fail(ErrorCode::kInvalidArgument,
                "there is more than one SQL statement in this text; send them one by one");
  }
  return &cached.prepared;
}

Result<> Connection::bind(sqlite3_stmt* native, const Statement& statement) {
  const int expected = sqlite3_bind_parameter_count(native);
  if (statement.named.empty() && statement.parameters.size() != static_cast<size_t>(expected)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the statement has {} parameters, and {} values are given", expected,
                            statement.parameters.size()));
  }
  int index = 0;
  for (const auto& value : statement.parameters) {
    const int result = std::visit(Binder{native, ++index}, value);
    if (result != SQLITE_OK) return std::unexpected(error(result));
  }
  for (const auto& [name, value] : statement.named) {
    index = sqlite3_bind_parameter_index(native, name.c_str());
    for (const char* sign : {":", "@", "$"}) {
      if (index == 0) index = sqlite3_bind_parameter_index(native, (sign + name).c_str());
    }
    if (index == 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the statement has no parameter named '{}'", name));
    }
    const int result = std::visit(Binder{native, index}, value);
    if (result != SQLITE_OK) return std::unexpected(error(result));
  }
  return {};
}

Result<> Connection::collect(sqlite3_stmt* native, Rows& rows) {
  const int columns = sqlite3_column_count(native);
  size_t count = 0;
  size_t bytes = 0;
  while (true) {
    const int result = sqlite3_step(native);
    if (result == SQLITE_DONE) return {};
    if (result != SQLITE_ROW) return std::unexpected(error(result));
    if (++count > limits_.rows_max) {
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format("the statement answers more than {} rows; use LIMIT", limits_.rows_max));
    }
    for (int column = 0; column < columns; ++column) {
      rows.values.push_back(column_value(native, column));
      bytes += bytes_of(rows.values.back());
    }
    if (bytes > limits_.result_bytes_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the statement answers more than {} bytes; use LIMIT",
                              limits_.result_bytes_max));
    }
  }
}

Result<Rows> Connection::run(Prepared& prepared, const Statement& statement, const Budget& budget,
                             const Last& last) {
  deadline_ = budget.deadline;
  out_of_time_ = false;
  last_ = last;
  sqlite3_set_last_insert_rowid(native_, last.insert_rowid);
  const auto value_bytes_max = static_cast<int>(limits::kSqlValueBytesMax);
  sqlite3_limit(native_, SQLITE_LIMIT_LENGTH, budget.on_shard ? kShortValueBytes : value_bytes_max);
  sqlite3_busy_timeout(native_, budget.on_shard ? 0 : kBusyMs);
  const Reset reset{prepared.native};
  CUSP_CHECK(bind(prepared.native, statement));
  Rows rows;
  CUSP_CHECK(collect(prepared.native, rows));
  // Afterwards: a changed schema has the statement compiled anew when it runs.
  rows.columns = columns_of(prepared.native);
  rows.last = {last.changes, sqlite3_last_insert_rowid(native_)};
  if (prepared.met.changes) {
    rows.changes = static_cast<uint64_t>(sqlite3_changes64(native_));
    rows.last.changes = rows.changes;
  }
  return rows;
}

Result<Description> Connection::describe(const std::string& text) {
  CUSP_TRY(const Prepared* prepared, prepare(text));
  sqlite3_stmt* native = prepared->native;
  Description description{.columns = columns_of(native),
                          .explain = sqlite3_stmt_isexplain(native) != 0,
                          .reads = sqlite3_stmt_readonly(native) != 0};
  const int count = sqlite3_bind_parameter_count(native);
  for (int index = 1; index <= count; ++index) {
    const char* name = sqlite3_bind_parameter_name(native, index);
    description.parameters.push_back({name == nullptr ? "" : name});
  }
  return description;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(native_) == 0; }

void Connection::checkpoint() {
  if (log_pages_ < kCheckpointPages) return;
  const int mode =
      log_pages_ < kTruncatePages ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  // What cannot be moved now stays in the log and is found there.
  sqlite3_wal_checkpoint_v2(native_, nullptr, mode, nullptr, nullptr);
  log_pages_ = 0;
}

Error Connection::error(int code) const {
  if (out_of_time_ && closing_.over(Budget::Clock::now())) {
    return {ErrorCode::kUnavailable, "the database is closed", {}};
  }
  if (out_of_time_) {
    return {ErrorCode::kDeadlineExceeded, "the statement took longer than its time limit", {}};
  }
  if ((code & 0xff) == SQLITE_AUTH && met_.denied != nullptr) {
    return {ErrorCode::kPermissionDenied, met_.denied, {}};
  }
  if ((code & 0xff) == SQLITE_FULL) {
    return {ErrorCode::kResourceExhausted, kFull, {}};
  }
  if (code == SQLITE_IOERR_DATA) {
    return {ErrorCode::kDataLoss, "the database is damaged: restore it from a backup", {}};
  }
  return {code_of(code), sqlite3_errmsg(native_), {}};
}

int Connection::on_progress(void* self) {
  auto& connection = *static_cast<Connection*>(self);
  const auto now = Budget::Clock::now();
  connection.out_of_time_ = now > connection.deadline_ || connection.closing_.over(now);
  return connection.out_of_time_ ? 1 : 0;
}

void Connection::on_changes(sqlite3_context* context, int, sqlite3_value**) {
  const auto& connection = *static_cast<Connection*>(sqlite3_user_data(context));
  sqlite3_result_int64(context, static_cast<int64_t>(connection.last_.changes));
}

int Connection::on_commit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Connection*>(self)->log_pages_ = pages;
  return SQLITE_OK;
}

}  // namespace cusp::store::sql
