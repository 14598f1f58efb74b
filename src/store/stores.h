#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "io/blocking_pool.h"
#include "store/kv/database.h"
#include "store/object/objects.h"
#include "store/queue/queue.h"
#include "store/remote/server.h"
#include "store/sql/database.h"

namespace cusp::store {

namespace sql {
struct CopyOf;
}

// The stores of one node, in one folder (docs/formats/stores.md). Nothing is opened before it is
// asked for: a node whose apps keep nothing makes no folder. Who has the folder answers for other
// processes of this machine that want what is in it (store/remote/client.h). Thread-safe.
class Stores {
 public:
  // `pool` outlives it.
  Stores(std::string directory, io::BlockingPool& pool)
      : directory_(std::move(directory)), pool_(pool) {}
  ~Stores() { close(); }
  Stores(const Stores&) = delete;
  Stores& operator=(const Stores&) = delete;

  const std::string& directory() const { return directory_; }

  // These block when they open something. Errors: kAlreadyExists (another process has the folder),
  // and those of kv::Database, object::Objects and sql::Database.
  Result<kv::Database*> key_values();
  Result<object::Objects*> objects();
  // The same object for everyone who asks.
  Result<std::shared_ptr<queue::Queue>> queue(const std::string& app, const std::string& name);
  Result<std::shared_ptr<sql::Database>> sql(const std::string& app, const std::string& name);
  // The limits of a database from when it is opened. False: it is open already, with others.
  bool set_sql_limits(const std::string& app, const std::string& name, const sql::Limits& bounds);
  // Makes a folder of what is in this one, as of one moment: writes wait until the last store has
  // come to it, some milliseconds, and objects are links. Its path; who asks removes it (or the
  // next process that opens this folder). Blocks. Errors: those of the stores; kUnavailable (some
  // store has not come to that moment).
  Result<std::string> snapshot();
  // The file of a database, which may not exist.
  std::string sql_path(const std::string& app, const std::string& name) const;

  // Ends what was begun, and opens nothing more. Before the shards go whose coroutines wait for a
  // store. Blocks.
  void close();

 private:
  Result<> lock();
  Result<> take_folder();
  Result<std::shared_ptr<sql::Database>> open_sql(const std::string& path);
  // A null store holds nothing.
  static Result<> fill_snapshot(const std::string& folder, std::vector<sql::CopyOf> copies,
                                kv::Database* key_values, object::Objects* objects);

  const std::string directory_;
  io::BlockingPool& pool_;
  std::mutex mutex_;
  bool closed_ = false;
  bool locked_ = false;
  Descriptor lock_;
  std::unique_ptr<kv::Database> key_values_;
  std::unique_ptr<object::Objects> objects_;
  std::map<std::string, std::shared_ptr<queue::Queue>> queues_;  // by app and name; shared too
  std::map<std::string, std::shared_ptr<sql::Database>> sql_;    // by path; shared with sessions
  std::map<std::string, sql::Limits> sql_limits_;  // by path, where they are not the usual ones
  std::unique_ptr<remote::Server> server_;  // for the commands of operators; null: see lock()
};

}  // namespace cusp::store
