#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "io/blocking_pool.h"
#include "store/kv/committer.h"
#include "store/kv/database.h"
#include "store/kv/expiry_filter.h"
#include "store/kv/store.h"

// For the .cc files of this folder.
namespace cusp::store::kv {

// An open database. Shared by the stores that were taken from it.
struct Rocks {
  Rocks(const DatabaseOptions& options, io::BlockingPool& blocking)
      : now(options.now), limits(options.limits), pool(blocking), filter(now) {}

  const std::function<Time()> now;
  const EntryLimits limits;
  io::BlockingPool& pool;
  const ExpiryFilter filter;
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<Committer> committer;
};

// The store whose keys begin with `prefix` in the database.
std::shared_ptr<Store> make_rocks_store(std::shared_ptr<Rocks> rocks, std::string prefix);

}  // namespace cusp::store::kv
