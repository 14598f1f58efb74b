#include "store/stores.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/log.h"
#include "store/folder.h"
#include "store/sql/snapshot.h"

namespace cusp::store {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSnapshotPrefix = "snapshot-";

// A name as that of a file: what may mean something to the file system is written as %XX.
std::string file_name(const std::string& name) {
  std::string result;
  for (const char byte : name) {
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
    result +=
        plain ? std::string(1, byte) : fmt::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return result;
}

}  // namespace

Result<> Stores::lock() {
  if (closed_) return fail(ErrorCode::kUnavailable, "the node's stores are closed");
  if (locked_) return {};
  CUSP_CHECK(take_folder());
  locked_ = true;
  // Of the whole process, whichever database asks.
  sqlite3_hard_heap_limit64(limits::kSqlMemoryBytesMax);
  // Commands wait until the node ends where their socket cannot be; apps need none.
  if (auto server = remote::Server::start(directory_, *this)) {
    server_ = std::move(*server);
  } else {
    log::warn("{}", server.error().to_string());
  }
  return {};
}

Result<> Stores::take_folder() {
  CUSP_CHECK(make_folder(fs::absolute(directory_)));
  lock_ = Descriptor(::open((directory_ + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (lock_ < 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("cannot use the folder of the stores: {}", std::strerror(errno)),
                directory_);
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kAlreadyExists,
                "another process has this folder's stores open; stop it first, or give each node "
                "stores of its own (--stores-dir, or state_dir in its configuration)",
                directory_);
  }
  // What a backup has left that did not end.
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory_, ignored)) {
    const bool left = entry.path().filename().string().starts_with(kSnapshotPrefix);
    if (left) fs::remove_all(entry.path(), ignored);
  }
  return {};
}

Result<kv::Database*> Stores::key_values() {
  std::lock_guard guard(mutex_);
  CUSP_CHECK(lock());
  if (!key_values_) {
    CUSP_TRY(key_values_, kv::Database::open({.directory = directory_ + "/kv"}, pool_));
  }
  return key_values_.get();
}

Result<std::shared_ptr<queue::Queue>> Stores::queue(const std::string& app,
                                                    const std::string& name) {
  CUSP_TRY(kv::Database * database, key_values());
  std::lock_guard guard(mutex_);
  auto& known = queues_[app + '\n' + name];
  if (!known) {
    CUSP_TRY(auto entries, database->store({app, queue::store_name(name)}));
    known = std::make_shared<queue::Queue>(std::move(entries));
  }
  return known;
}

Result<object::Objects*> Stores::objects() {
  std::lock_guard guard(mutex_);
  CUSP_CHECK(lock());
  if (!objects_) {
    CUSP_TRY(objects_,
             object::Objects::open({.directory = fs::absolute(directory_ + "/objects")}, pool_));
  }
  return objects_.get();
}

std::string Stores::sql_path(const std::string& app, const std::string& name) const {
  return fmt::format("{}/sql/{}/{}.db", directory_, file_name(app), file_name(name));
}

Result<std::shared_ptr<sql::Database>> Stores::sql(const std::string& app,
                                                   const std::string& name) {
  return open_sql(sql_path(app, name));
}

bool Stores::set_sql_limits(const std::string& app, const std::string& name,
                            const sql::Limits& bounds) {
  const std::string path = sql_path(app, name);
  std::lock_guard guard(mutex_);
  const auto before = std::exchange(sql_limits_[path], bounds);
  return !sql_.contains(path) || before == bounds;
}

Result<std::shared_ptr<sql::Database>> Stores::open_sql(const std::string& path) {
  std::lock_guard guard(mutex_);
  CUSP_CHECK(lock());
  if (const auto found = sql_.find(path); found != sql_.end()) return found->second;
  CUSP_CHECK(make_folder(fs::absolute(path).parent_path()));
  CUSP_TRY(auto database, sql::Database::open(path, sql_limits_[path], pool_));
  sql_.emplace(path, database);
  return database;
}

Result<std::string> Stores::snapshot() {
  const std::string root = fs::absolute(directory_);
  std::error_code ignored;
  const auto exists = [&](const char* name) { return fs::exists(root + "/" + name, ignored); };
  kv::Database* key_value_database = nullptr;
  object::Objects* object_stores = nullptr;
  if (exists("kv")) {
    CUSP_TRY(key_value_database, key_values());
  }
  if (exists("objects")) {
    CUSP_TRY(object_stores, objects());
  }
  std::vector<sql::CopyOf> copies;
  for (fs::recursive_directory_iterator at(root + "/sql", ignored), end; at != end;
       at.increment(ignored)) {
    if (at->path().extension() != ".db") continue;
    const std::string path = fs::path(directory_) / fs::relative(at->path(), root);
    CUSP_TRY(auto database, open_sql(path));
    copies.push_back({.database = std::move(database), .path = at->path()});
  }
  std::string folder = root + "/" + std::string(kSnapshotPrefix) + "XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot make a folder: {}", std::strerror(errno)), root);
  }
  auto filled = fill_snapshot(folder, std::move(copies), key_value_database, object_stores);
  if (filled) return folder;
  fs::remove_all(folder, ignored);
  return std::unexpected(std::move(filled).error());
}

Result<> Stores::fill_snapshot(const std::string& folder, std::vector<sql::CopyOf> copies,
                               kv::Database* key_values, object::Objects* objects) {
  CUSP_TRY(auto sql_snapshot, sql::Snapshot::hold(std::move(copies)));
  {
    std::unique_lock<std::mutex> key_value_hold;
    std::unique_lock<std::mutex> object_hold;
    if (key_values != nullptr) key_value_hold = key_values->hold();
    if (objects != nullptr) object_hold = objects->hold();
    CUSP_CHECK(sql_snapshot.take());
    if (key_values != nullptr) CUSP_CHECK(key_values->snapshot(folder + "/kv"));
    if (objects != nullptr) CUSP_CHECK(objects->snapshot(folder + "/objects"));
    CUSP_CHECK(sql_snapshot.release());
  }
  const std::string root = fs::path(folder).parent_path();
  return sql_snapshot.copy(root + "/sql", folder + "/sql");
}

void Stores::close() {
  std::unique_ptr<remote::Server> server;
  {
    std::lock_guard guard(mutex_);
    closed_ = true;
    server = std::move(server_);
    if (server) server->end();
    if (key_values_) key_values_->close();
    if (objects_) objects_->close();
    for (const auto& [path, database] : sql_) database->close();
  }
  // Its threads may be waiting for the mutex: they are joined here, without it.
}

}  // namespace cusp::store
