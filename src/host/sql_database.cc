#include "host/sql_database.h"

#include <utility>

namespace cusp::host {

namespace {

namespace sql = store::sql;

class EmbeddedConnection final : public SqlConnection {
 public:
  explicit EmbeddedConnection(std::unique_ptr<sql::Session> session)
      : session_(std::move(session)) {}

  std::optional<Result<sql::Rows>> try_execute(const sql::Statement& statement) override {
    return session_->try_execute(statement);
  }
  io::Task<Result<sql::Rows>> execute(sql::Statement statement) override {
    return session_->execute(std::move(statement));
  }

 private:
  const std::unique_ptr<sql::Session> session_;
};

class EmbeddedDatabase final : public SqlDatabase {
 public:
  explicit EmbeddedDatabase(std::shared_ptr<sql::Database> database)
      : database_(std::move(database)) {}

  std::unique_ptr<SqlConnection> connect(const Caller&) override {
    return std::make_unique<EmbeddedConnection>(database_->session());
  }

 private:
  const std::shared_ptr<sql::Database> database_;  // shared with the node's stores
};

}  // namespace

std::shared_ptr<SqlDatabase> make_embedded_database(std::shared_ptr<sql::Database> database) {
  return std::make_shared<EmbeddedDatabase>(std::move(database));
}

}  // namespace cusp::host
