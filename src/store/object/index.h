#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/blocking_pool.h"
#include "io/task.h"
#include "store/kv/database.h"
#include "store/object/content.h"

// For the .cc files of this folder.
namespace cusp::store::object {

// How many references more or fewer contents have, by digest.
using References = std::map<std::string, int64_t>;

// Which objects there are, and how many references each content has. A record and the references
// that it makes are one write. Shared by the buckets. Thread-safe.
class Index {
 public:
  // Blocks. `pool` outlives it. Errors: those of kv::Database and Contents.
  static Result<std::shared_ptr<Index>> open(const std::string& directory,
                                             std::function<kv::Time()> now, io::BlockingPool& pool);

  // Does both, or neither when a condition of `write` is not met (false). Contents that have no
  // reference any more are removed. Those that get one are pinned by the caller.
  io::Task<Result<bool>> write(kv::Write write, References references);

  // What a crash and uploads that have expired have left: parts without their upload, contents
  // without a reference. A part that cannot be read is logged and stays, with its content. Blocks.
  // How many contents were removed.
  Result<size_t> sweep();

  // As those of kv::Database.
  std::unique_lock<std::mutex> hold() { return database_->hold(); }
  // While it is held: no content that is referred to goes meanwhile.
  Result<> snapshot(const std::string& directory);

  kv::Store& entries() { return *entries_; }
  Contents& contents() { return *contents_; }
  io::BlockingPool& pool() { return pool_; }
  kv::Time now() const { return now_(); }
  // Ends a sweep too. Blocks.
  void close();
  bool closed() const { return closed_; }

 private:
  Index(std::function<kv::Time()> now, io::BlockingPool& pool)
      : now_(std::move(now)), pool_(pool) {}

  Result<bool> referenced(const std::string& digest) const;
  void remove(const std::vector<std::string>& digests);
  Result<> sweep_parts();
  Result<> sweep_part(const kv::Listed& listed);

  const std::function<kv::Time()> now_;
  io::BlockingPool& pool_;
  std::unique_ptr<kv::Database> database_;
  std::shared_ptr<kv::Store> entries_;  // shared with the database
  std::unique_ptr<Contents> contents_;
  std::atomic<bool> closed_ = false;
  std::mutex mutex_;
  std::set<std::string> pinned_;  // without a reference, but somebody was reading them
};

}  // namespace cusp::store::object
