#include "store/sql/snapshot.h"

#include <sqlite3.h>

#include <filesystem>

#include <fmt/format.h>

#include "store/folder.h"
#include "store/sql/checked_files.h"

namespace cusp::store::sql {

namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(sqlite3* connection, const std::string& path) {
  const int code = connection == nullptr ? SQLITE_NOMEM : sqlite3_errcode(connection);
  const bool full = code == SQLITE_FULL || code == SQLITE_NOMEM;
  return fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
              fmt::format("cannot copy the database: {}",
                          connection == nullptr ? "out of memory" : sqlite3_errmsg(connection)),
              path);
}

}  // namespace

void Snapshot::CloseConnection::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<Snapshot> Snapshot::hold(std::vector<CopyOf> databases) {
  Snapshot snapshot;
  for (CopyOf& source : databases) {
    auto session = source.database->session();
    CUSP_CHECK(snapshot.runner_->wait(session->execute({.text = "BEGIN IMMEDIATE"})));
    snapshot.held_.push_back({.source = std::move(source), .session = std::move(session)});
  }
  return snapshot;
}

// A reader sees what was committed when it first read, for as long as its transaction goes on.
Result<> Snapshot::take() {
  for (Held& held : held_) {
    sqlite3* connection = nullptr;
    const int opened =
        sqlite3_open_v2(held.source.path.c_str(), &connection,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, checked_files());
    held.connection.reset(connection);
    if (opened != SQLITE_OK || sqlite3_exec(connection, "BEGIN; SELECT count(*) FROM sqlite_schema",
                                            nullptr, nullptr, nullptr) != SQLITE_OK) {
      return failed(connection, held.source.path);
    }
  }
  return {};
}

Result<> Snapshot::release() {
  for (Held& held : held_) {
    const auto done = runner_->wait(held.session->execute({.text = "ROLLBACK"}));
    held.session.reset();
    if (!done) {
      return fail(ErrorCode::kUnavailable,
                  "the disk was too slow to have all stores as of one moment; try again: " +
                      done.error().message,
                  held.source.path);
    }
  }
  return {};
}

Result<> Snapshot::copy(const std::string& from, const std::string& to) const {
  for (const Held& held : held_) {
    const std::string path = fs::path(to) / fs::relative(held.source.path, from);
    CUSP_CHECK(make_folder(fs::path(path).parent_path()));
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        checked_files());
    const std::unique_ptr<sqlite3, CloseConnection> target(opened);
    if (code != SQLITE_OK) return failed(opened, path);
    sqlite3_backup* backup = sqlite3_backup_init(opened, "main", held.connection.get(), "main");
    if (backup == nullptr) return failed(opened, path);
    sqlite3_backup_step(backup, -1);  // in one go: nothing to begin anew
    if (sqlite3_backup_finish(backup) != SQLITE_OK) return failed(opened, path);
  }
  return {};
}

}  // namespace cusp::store::sql
