#include "store/remote/answers.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "store/remote/replies.h"

namespace cusp::store::remote {

std::string Answers::answer(const std::string& request) {
  Decoder decoder(request);
  uint64_t version = 0;
  decoder(version);
  if (version != kProtocolVersion) {
    return refusal("the process that has these stores open is of another version of cusp");
  }
  Operation operation = {};
  Subject subject;
  decoder(operation, subject.app, subject.name, subject.session);
  if (!decoder.good()) return refusal("this request is malformed");
  return perform(operation, std::move(subject), decoder);
}

std::string Answers::perform(Operation operation, Subject subject, Decoder& arguments) {
  switch (operation) {
    case Operation::kStores: return encoded(stores());
    case Operation::kGet:
      return with<std::string>(arguments, [&](const std::string& key) {
        auto store = key_values(std::move(subject));
        return store ? (*store)->get_blocking(key) : std::unexpected(std::move(store).error());
      });
    case Operation::kList:
      return with<kv::ListOptions>(arguments, [&](const kv::ListOptions& options) {
        auto store = key_values(std::move(subject));
        return store ? (*store)->list_blocking(options) : std::unexpected(std::move(store).error());
      });
    case Operation::kWrite:
      return with<kv::Write>(arguments, [&](kv::Write write) {
        auto store = key_values(std::move(subject));
        return store ? (*store)->write_blocking(std::move(write))
                     : std::unexpected(std::move(store).error());
      });
    case Operation::kExecute:
      return with<sql::Statement>(arguments, [&](sql::Statement statement) {
        return execute(subject, std::move(statement));
      });
    case Operation::kDescribe:
      return with<std::string>(
          arguments, [&](std::string text) { return describe(subject, std::move(text)); });
    case Operation::kMigrate:
      return with<std::vector<sql::Migration>>(
          arguments, [&](const auto& migrations) { return migrate(subject, migrations); });
    case Operation::kSnapshot: return encoded(stores_.snapshot());
    case Operation::kEndSession:
      sessions_.erase(subject.session);
      object_sessions_.erase(subject.session);
      return encoded(Result<>());
    default: return perform_on_objects(operation, subject, arguments);
  }
}

Result<std::vector<kv::StoreName>> Answers::stores() {
  CUSP_TRY(kv::Database * database, stores_.key_values());
  return database->stores();
}

Result<std::shared_ptr<kv::Store>> Answers::key_values(Subject subject) {
  CUSP_TRY(kv::Database * database, stores_.key_values());
  return database->store({std::move(subject.app), std::move(subject.name)});
}

Result<> Answers::check_sessions() const {
  if (sessions_.size() + object_sessions_.size() < limits::kStorePeerSessionsMax) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("more than {} sessions at once", size_t{limits::kStorePeerSessionsMax}));
}

Result<sql::Session*> Answers::session(const Subject& subject) {
  if (const auto found = sessions_.find(subject.session); found != sessions_.end()) {
    return found->second.get();
  }
  CUSP_CHECK(check_sessions());
  CUSP_TRY(const auto database, stores_.sql(subject.app, subject.name));
  return sessions_.emplace(subject.session, database->session()).first->second.get();
}

Result<std::pair<sql::Rows, bool>> Answers::execute(const Subject& subject,
                                                    sql::Statement statement) {
  CUSP_TRY(sql::Session * open, session(subject));
  CUSP_TRY(sql::Rows rows, runner_.wait(open->execute(std::move(statement))));
  return std::pair(std::move(rows), open->in_transaction());
}

Result<sql::Description> Answers::describe(const Subject& subject, std::string text) {
  CUSP_TRY(sql::Session * open, session(subject));
  return runner_.wait(open->describe(std::move(text)));
}

Result<size_t> Answers::migrate(const Subject& subject,
                                const std::vector<sql::Migration>& migrations) {
  CUSP_TRY(const auto database, stores_.sql(subject.app, subject.name));
  return database->migrate(migrations);
}

}  // namespace cusp::store::remote
