#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "io/blocking_pool.h"
#include "store/kv/database.h"
#include "store/object/bucket.h"

namespace cusp::store::object {

struct ObjectsOptions {
  std::string directory;  // absolute, made when missing
  std::function<kv::Time()> now = [] {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  };
};

// The object stores of one node: contents as files, and an index of them in RocksDB (decision 015).
// Thread-safe. One process has the folder (Stores::lock).
class Objects {
 public:
  // Blocks. `pool` outlives it. What a crash has left is looked for on the pool. Errors: those of
  // kv::Database and Contents.
  static Result<std::unique_ptr<Objects>> open(ObjectsOptions options, io::BlockingPool& pool);
  ~Objects() { close(); }
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  // The bucket of that name, empty until something is written. After close() it answers
  // kUnavailable. Errors: kInvalidArgument, as kv::Database::store().
  Result<std::shared_ptr<Bucket>> bucket(const kv::StoreName& name);
  // The buckets that hold objects, in the order of their names.
  io::Task<Result<std::vector<kv::StoreName>>> buckets() const;
  // Removes what no object refers to, now. Blocks. How many contents were removed.
  Result<size_t> sweep();
  // See kv::Database.
  std::unique_lock<std::mutex> hold();
  // Makes `directory` a folder of the same objects; their contents are links. While it is held.
  // Blocks. Errors: kUnavailable.
  Result<> snapshot(const std::string& directory);
  // Ends the writes that have begun, and takes no more. Blocks.
  void close();

 private:
  explicit Objects(std::shared_ptr<Index> index) : index_(std::move(index)) {}

  const std::shared_ptr<Index> index_;  // shared with the buckets and the sweep
};

}  // namespace cusp::store::object
