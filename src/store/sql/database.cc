#include "store/sql/database.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "io/asio.h"
#include "store/sql/writer.h"

namespace cusp::store::sql {

namespace {

constexpr size_t kIdleReadersMax = 8;
constexpr auto kShardTimeMax = std::chrono::microseconds(500);  // a statement is stopped after
constexpr auto kCloseTime = std::chrono::seconds(1);            // for the statements that run
constexpr auto kQuickTime = std::chrono::microseconds(100);     // and is for shards below

class SqliteDatabase final : public Database, public std::enable_shared_from_this<SqliteDatabase> {
 public:
  SqliteDatabase(std::string path, const Limits& limits, io::BlockingPool& pool)
      : path_(std::move(path)), limits_(limits), pool_(pool) {}

  // Before anything else.
  Result<> start() {
    CUSP_TRY(writer_, Writer::open(path_, limits_, closing_));
    return {};
  }

  std::unique_ptr<Session> session() override;
  Result<size_t> migrate(const std::vector<Migration>& migrations) override;
  void close() override {
    closing_.set(Budget::Clock::now() + kCloseTime);
    writer_->stop();
  }

  Writer& writer() { return *writer_; }
  io::BlockingPool& pool() { return pool_; }
  std::chrono::milliseconds time_max() const { return limits_.time_max; }
  Writer::SessionId next_session() { return ++sessions_; }

  // Null: none is idle.
  std::unique_ptr<Connection> take_reader() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    // The one used last: what it holds of the database is the most likely to be of use.
    auto reader = std::move(idle_.back());
    idle_.pop_back();
    return reader;
  }
  Result<std::unique_ptr<Connection>> take_or_open_reader() {
    if (auto reader = take_reader()) return reader;
    return Connection::open(path_, Connection::Role::kReader, limits_, closing_);
  }
  void give_reader(std::unique_ptr<Connection> reader) {
    std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(reader));
  }

 private:
  const std::string path_;
  const Limits limits_;
  io::BlockingPool& pool_;
  Closing closing_;  // before the connections, which look at it
  std::unique_ptr<Writer> writer_;
  std::atomic<Writer::SessionId> sessions_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// A reader on loan.
class Reader {
 public:
  Reader(SqliteDatabase& database, std::unique_ptr<Connection> connection)
      : database_(database), connection_(std::move(connection)) {}
  ~Reader() {
    if (connection_) database_.give_reader(std::move(connection_));
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Connection* operator->() const { return connection_.get(); }

 private:
  SqliteDatabase& database_;
  std::unique_ptr<Connection> connection_;
};

class SqliteSession final : public Session {
 public:
  explicit SqliteSession(std::shared_ptr<SqliteDatabase> database)
      : database_(std::move(database)), id_(database_->next_session()) {}
  ~SqliteSession() override {
    if (in_transaction_) database_->writer().end(id_);
  }

  std::optional<Result<Rows>> try_execute(const Statement& statement) override;
  io::Task<Result<Rows>> execute(Statement statement) override;
  io::Task<Result<Description>> describe(std::string text) override;
  bool in_transaction() const override { return in_transaction_; }
  const Last& last() const override { return last_; }

 private:
  bool known_to_write(const std::string& text);
  std::optional<Result<Rows>> read(const Statement& statement);
  io::Task<Result<Rows>> write(Statement statement);

  const std::shared_ptr<SqliteDatabase> database_;  // shared with the other sessions
  const Writer::SessionId id_;
  bool in_transaction_ = false;
  Last last_;
};

std::optional<Result<Rows>> SqliteSession::try_execute(const Statement& statement) {
  if (in_transaction_) return std::nullopt;
  auto idle = database_->take_reader();
  if (!idle) return std::nullopt;
  const Reader reader(*database_, std::move(idle));
  Prepared* prepared = reader->find(statement.text);
  if (prepared == nullptr || !prepared->reads || !prepared->quick) return std::nullopt;
  auto rows =
      reader->run(*prepared, statement,
                  {.deadline = Budget::Clock::now() + kShardTimeMax, .on_shard = true}, last_);
  if (rows) return rows;
  switch (rows.error().code) {
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kResourceExhausted: prepared->quick = false; return std::nullopt;
    case ErrorCode::kUnavailable: return std::nullopt;
    default: return rows;
  }
}

bool SqliteSession::known_to_write(const std::string& text) {
  auto idle = database_->take_reader();
  if (!idle) return false;
  const Reader reader(*database_, std::move(idle));
  const Prepared* prepared = reader->find(text);
  return prepared != nullptr && !prepared->reads;
}

// On the blocking pool. Nothing: the statement is one for the writer.
std::optional<Result<Rows>> SqliteSession::read(const Statement& statement) {
  auto connection = database_->take_or_open_reader();
  if (!connection) return std::unexpected(std::move(connection).error());
  const Reader reader(*database_, std::move(*connection));
  auto prepared = reader->prepare(statement.text);
  if (!prepared) return std::unexpected(std::move(prepared).error());
  if (!(*prepared)->reads) return std::nullopt;
  const auto begun = Budget::Clock::now();
  auto rows =
      reader->run(**prepared, statement, {.deadline = begun + database_->time_max()}, last_);
  (*prepared)->quick = Budget::Clock::now() - begun < kQuickTime;
  return rows;
}

io::Task<Result<Rows>> SqliteSession::execute(Statement statement) {
  if (!in_transaction_) {
    if (auto rows = try_execute(statement)) co_return std::move(*rows);
    if (!known_to_write(statement.text)) {
      std::optional<Result<Rows>> rows;
      co_await database_->pool().run([&] { rows = read(statement); });
      if (rows) co_return std::move(*rows);
    }
  }
  co_return co_await write(std::move(statement));
}

io::Task<Result<Rows>> SqliteSession::write(Statement statement) {
  const io::Executor shard = co_await io::asio::this_coro::executor;
  Result<Rows> answer;
  auto submit = [&, shard](auto handler) mutable {
    database_->writer().submit(
        id_, statement, last_,
        [&answer, this, shard, handler = std::move(handler)](Result<Rows> rows, bool open) mutable {
          answer = std::move(rows);
          in_transaction_ = open;
          io::asio::post(shard, std::move(handler));
        });
  };
  co_await io::asio::async_initiate<const io::asio::use_awaitable_t<io::Executor>, void()>(
      std::move(submit), io::asio::use_awaitable_t<io::Executor>());
  if (answer) last_ = answer->last;
  co_return answer;
}

io::Task<Result<Description>> SqliteSession::describe(std::string text) {
  Result<Description> answer;
  co_await database_->pool().run([&] {
    auto connection = database_->take_or_open_reader();
    if (!connection) {
      answer = std::unexpected(std::move(connection).error());
      return;
    }
    const Reader reader(*database_, std::move(*connection));
    answer = reader->describe(text);
  });
  co_return answer;
}

std::unique_ptr<Session> SqliteDatabase::session() {
  return std::make_unique<SqliteSession>(shared_from_this());
}

Result<size_t> SqliteDatabase::migrate(const std::vector<Migration>& migrations) {
  Result<size_t> applied;
  std::promise<void> done;
  writer_->submit(
      [&](Connection& connection) -> Result<Rows> {
        applied = apply_migrations(connection, migrations);
        return Rows{};
      },
      [&](Result<Rows> rows, bool) {
        if (!rows) applied = std::unexpected(std::move(rows).error());
        done.set_value();
      });
  done.get_future().wait();
  return applied;
}

}  // namespace

Result<std::shared_ptr<Database>> Database::open(const std::string& path, const Limits& limits,
                                                 io::BlockingPool& pool) {
  auto database = std::make_shared<SqliteDatabase>(path, limits, pool);
  CUSP_CHECK(database->start());
  return database;
}

}  // namespace cusp::store::sql
