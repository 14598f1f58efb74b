#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/task_runner.h"
#include "store/sql/database.h"

struct sqlite3;

namespace cusp::store::sql {

// An open database and its file.
struct CopyOf {
  std::shared_ptr<Database> database;
  std::string path;
};

// Several databases as of one moment, copied afterwards: hold() keeps writers waiting, take() fixes
// what readers see, release() lets the writers go on, copy() writes what was fixed. For .cc files;
// used by one thread; everything blocks.
class Snapshot {
 public:
  // Waits for the writers of each. Errors: those of Session::execute().
  static Result<Snapshot> hold(std::vector<CopyOf> databases);
  Snapshot(Snapshot&&) = default;

  // Errors: kUnavailable.
  Result<> take();
  // Errors: kUnavailable, a writer did not wait: the databases are not as of one moment.
  Result<> release();
  // Each into `to`, at the place that it has in `from`. Errors: kUnavailable, kResourceExhausted.
  Result<> copy(const std::string& from, const std::string& to) const;

 private:
  struct CloseConnection {
    void operator()(sqlite3* connection) const;
  };
  struct Held {
    CopyOf source;
    std::unique_ptr<Session> session;                        // has the writer, until release()
    std::unique_ptr<sqlite3, CloseConnection> connection{};  // reads what is fixed
  };
  Snapshot() = default;

  std::unique_ptr<io::TaskRunner> runner_ = std::make_unique<io::TaskRunner>();
  std::vector<Held> held_;
};

}  // namespace cusp::store::sql
