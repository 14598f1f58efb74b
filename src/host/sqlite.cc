#include "host/sqlite.h"

#include <atomic>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "host/call_end.h"
#include "io/asio.h"

namespace cusp::host {

namespace {

using engine::Arguments;
using engine::Blob;
using engine::Call;
using engine::CallFailure;
using engine::Value;
namespace sql = store::sql;

constexpr size_t kSessionsMax = 256;  // of one invocation
constexpr size_t kWaitingMax = 256;   // statements of one session

sql::Value to_store(const Value& value) {
  struct Convert {
    sql::Value operator()(std::monostate) const { return std::monostate(); }
    sql::Value operator()(bool boolean) const { return int64_t{boolean}; }
    sql::Value operator()(int64_t integer) const { return integer; }
    sql::Value operator()(double real) const { return real; }
    sql::Value operator()(std::string_view text) const { return std::string(text); }
    sql::Value operator()(Blob blob) const { return sql::Blob{std::string(blob.bytes)}; }
  };
  return std::visit(Convert(), value);
}

// A view of `value`.
Value to_guest(const sql::Value& value) {
  struct Convert {
    Value operator()(std::monostate) const { return {}; }
    Value operator()(int64_t integer) const { return integer; }
    Value operator()(double real) const { return real; }
    Value operator()(const std::string& text) const { return std::string_view(text); }
    Value operator()(const sql::Blob& blob) const { return Blob{blob.bytes}; }
  };
  return std::visit(Convert(), value);
}

sql::Statement statement_of(const Arguments& arguments) {
  sql::Statement statement{.text = std::string(arguments.text(2))};
  statement.parameters.reserve(arguments.size() - 3);
  for (size_t i = 3; i < arguments.size(); ++i) {
    statement.parameters.push_back(to_store(arguments[i]));
  }
  return statement;
}

// SQLite's own messages are what a guest's author wants to read. Only a full database has a word of
// its own in the interfaces.
void end(Call& call, const Result<sql::Rows>& rows) {
  if (!rows) {
    const bool full = rows.error().message == sql::kFull;
    return call.fail(full ? CallFailure::kLimit : CallFailure::kOther, rows.error().message);
  }
  std::vector<Value> values;
  values.reserve(3 + rows->columns.size() + rows->values.size());
  values.emplace_back(static_cast<int64_t>(rows->last.changes));
  values.emplace_back(rows->last.insert_rowid);
  values.emplace_back(static_cast<int64_t>(rows->columns.size()));
  for (const auto& column : rows->columns) values.emplace_back(std::string_view(column.name));
  for (const auto& value : rows->values) values.push_back(to_guest(value));
  call.answer(values);
}

// A guest's connection. It may send a statement before the last one has ended; they run one after
// the other.
struct Connection {
  struct Waiting {
    sql::Statement statement;
    Call call;
  };

  std::unique_ptr<SqlConnection> native;
  std::deque<Waiting> waiting;
  bool busy = false;
};
using ConnectionPtr = std::shared_ptr<Connection>;  // shared with the statement that runs

io::Task<> run(ConnectionPtr connection) {
  while (!connection->waiting.empty()) {
    Connection::Waiting next = std::move(connection->waiting.front());
    connection->waiting.pop_front();
    const auto rows = co_await connection->native->execute(std::move(next.statement));
    end(next.call, rows);
  }
  connection->busy = false;
}

// The connections of one invocation.
struct Connections : Scope::Part {
  std::map<int64_t, ConnectionPtr> open;
};

class Sqlite final : public Capability {
 public:
  explicit Sqlite(SqlDatabases databases) : databases_(std::move(databases)) {}

  void call(const Arguments& arguments, const Caller& caller, Call call) override {
    auto& open = caller.scope.part<Connections>(this).open;
    switch (call.operation()) {
      case CUSP_SQL_OPEN: {
        if (find(arguments.text(0), call) != nullptr) call.answer({++sessions_});
        return;
      }
      case CUSP_SQL_CLOSE: open.erase(arguments.integer(0)); return call.answer();
      default: return execute(arguments, caller, open, std::move(call));
    }
  }

 private:
  // Null: the call has failed.
  SqlDatabase* find(std::string_view name, Call& call) const {
    const auto found = databases_.find(name);
    if (found != databases_.end()) return found->second.get();
    call.fail(CallFailure::kDenied,
              fmt::format("the manifest does not name the database '{}' in the component's "
                          "sqlite_databases",
                          name));
    return nullptr;
  }

  // A number that this invocation does not know is of one that an instance has kept from its last
  // request: it gets a new session.
  void execute(const Arguments& arguments, const Caller& caller,
               std::map<int64_t, ConnectionPtr>& open, Call call) const {
    ConnectionPtr& connection = open[arguments.integer(0)];
    if (!connection) {
      SqlDatabase* database = find(arguments.text(1), call);
      if (database == nullptr || open.size() > kSessionsMax) {
        open.erase(arguments.integer(0));
        if (database != nullptr) call.fail(CallFailure::kOther, "too many connections are open");
        return;
      }
      connection = std::make_shared<Connection>();
      connection->native = database->connect(caller);
    }
    auto statement = statement_of(arguments);
    if (connection->busy && connection->waiting.size() >= kWaitingMax) {
      return call.fail(CallFailure::kBusy, "too many statements of this connection wait");
    }
    if (!connection->busy) {
      if (const auto rows = connection->native->try_execute(statement)) return end(call, *rows);
    }
    connection->waiting.push_back({std::move(statement), std::move(call)});
    if (!std::exchange(connection->busy, true)) spawn(caller, run(connection));
  }

  const SqlDatabases databases_;
  std::atomic<int64_t> sessions_ = 0;
};

}  // namespace

std::shared_ptr<Capability> make_sqlite(SqlDatabases databases) {
  return std::make_shared<Sqlite>(std::move(databases));
}

}  // namespace cusp::host
