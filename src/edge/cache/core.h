#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "edge/cache/cache.h"
#include "edge/cache/disk.h"
#include "edge/cache/fill.h"
#include "edge/cache/store.h"

namespace cusp::edge::cache {

// What the requests of all shards share, for the files that implement the cache. Thread-safe.
struct Cache::Core : std::enable_shared_from_this<Cache::Core> {
  explicit Core(CacheOptions opened_with, std::unique_ptr<Disk> opened_disk);
  ~Core();

  Time now() const;
  // Stores what came of a request that was sent at `moment` of the purge log.
  void put(ObjectPtr object, uint64_t moment);
  // For one that has been written to disk as it came.
  void put_written(const Object& object, uint64_t moment);
  // Writes it to the disk tier, if there is one, unless a purge since `moment` hits it.
  void put_on_disk(ObjectPtr object, uint64_t moment);
  // Keeps `coded` beside `plain`, if that is still what is stored.
  void put_coded(const Object& plain, ObjectPtr coded, uint64_t moment);
  // Forgets an object, wherever it is.
  void drop(const ObjectPtr& object);
  // The largest response that is worth collecting.
  uint64_t object_bytes_max(const Policy& policy) const;

  struct Counters {
    std::atomic<uint64_t> hits = 0;
    std::atomic<uint64_t> stale_hits = 0;
    std::atomic<uint64_t> misses = 0;
    std::atomic<uint64_t> bypasses = 0;
    std::atomic<uint64_t> collapsed = 0;
    std::atomic<uint64_t> revalidations = 0;
    std::atomic<uint64_t> stored = 0;
    std::atomic<uint64_t> purged = 0;
  };

  const CacheOptions options;
  PurgeLog purges;             // before the disk, whose threads ask it to the end
  std::unique_ptr<Disk> disk;  // null: there is none
  Store store;
  Fills fills;
  Counters counters;
  // What the fills under way hold together; beyond memory_bytes_max nothing more is collected.
  std::atomic<uint64_t> filling_bytes = 0;
};

}  // namespace cusp::edge::cache
