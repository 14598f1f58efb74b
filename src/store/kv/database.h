#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "io/blocking_pool.h"
#include "store/kv/store.h"

namespace rocksdb {
class Env;
}

namespace cusp::store::kv {

// What one entry and one write may have.
struct EntryLimits {
  size_t key_bytes = limits::kKvKeyBytesMax;  // kKvAnyKeyBytesMax at most
  size_t changes = limits::kKvChangesMax;
};

struct DatabaseOptions {
  std::string directory;  // made when missing
  size_t cache_bytes = limits::kKvCacheBytes;
  EntryLimits limits;
  // The time that entries expire by; from any thread.
  std::function<Time()> now = [] {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  };
  rocksdb::Env* env = nullptr;  // the operating system's; tests put faults in between
};

struct StoreName {
  std::string app;
  std::string store;
  bool operator==(const StoreName&) const = default;
};

// Errors: kInvalidArgument: a part of the name is empty, too long, or has a zero byte.
Result<> check_name(const StoreName& name);

// The key-value stores of one node: a RocksDB database in a folder that nobody else has open.
// Thread-safe.
class Database {
 public:
  // Blocks. `pool` outlives it. Errors: kAlreadyExists (another process has the folder), kDataLoss
  // (its files are damaged), kUnavailable, kPermissionDenied.
  static Result<std::unique_ptr<Database>> open(DatabaseOptions options, io::BlockingPool& pool);
  virtual ~Database() = default;

  // The store of that name, empty until something is written. Shared with who uses it: after
  // close() it answers kUnavailable. Errors: kInvalidArgument for a name with a zero byte, an empty
  // or an overlong one.
  virtual Result<std::shared_ptr<Store>> store(StoreName name) = 0;
  // Those that hold something. Blocks.
  virtual Result<std::vector<StoreName>> stores() const = 0;
  // Gives back the room of what was deleted, has expired or was written over. Blocks for as long as
  // it takes to copy the rest.
  virtual Result<> compact() = 0;
  // Until the lock goes no write is made durable: those that come wait. For a moment only.
  virtual std::unique_lock<std::mutex> hold() = 0;
  // Makes `directory` a database with what this one holds now. The files that never change are
  // shared with it (links). Blocks. Errors: kUnavailable, kAlreadyExists.
  virtual Result<> snapshot(const std::string& directory) = 0;
  // Ends the writes that have begun, and takes no more. Before the shards go whose coroutines wait
  // for a write: afterwards they are never resumed. Blocks.
  virtual void close() = 0;
};

}  // namespace cusp::store::kv
