#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

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
  // How often what expired uploads have left is looked for.
  std::chrono::milliseconds sweep_interval = std::chrono::hours(24);
};

// The object stores of one node: contents as files, and an index of them in RocksDB (decision 015).
// Thread-safe. One process has the folder (Stores::lock).
class Objects {
 public:
  // Blocks. `pool` outlives it. What a crash and expired uploads have left is looked for on a
  // thread of its own, now and at each interval. Errors: those of kv::Database and Contents.
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
  Objects(std::shared_ptr<Index> index, std::chrono::milliseconds sweep_interval);
  void sweep_at_intervals(std::stop_token stop, std::chrono::milliseconds interval);

  const std::shared_ptr<Index> index_;  // shared with the buckets and the sweep
  std::mutex mutex_;                    // for the wait alone
  std::condition_variable_any wake_;
  std::jthread sweeper_;  // last: it uses the rest
};

}  // namespace cusp::store::object
