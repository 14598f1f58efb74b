#include "edge/cache/cache.h"

#include <algorithm>
#include <utility>

#include "edge/cache/core.h"
#include "edge/cache/visit.h"
#include "io/asio.h"

namespace cusp::edge::cache {

Cache::Core::Core(CacheOptions opened_with, std::unique_ptr<Disk> opened_disk)
    : options(std::move(opened_with)),
      disk(std::move(opened_disk)),
      store(options.memory_bytes_max,
            [this](ObjectPtr object) { put_on_disk(std::move(object), purges.now()); }) {}

// What is in memory is worth having after a restart too.
Cache::Core::~Core() {
  if (!disk) return;
  store.for_each([this](const ObjectPtr& object) { disk->write_at_once(*object); });
}

Time Cache::Core::now() const {
  if (options.clock) return options.clock();
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void Cache::Core::put(ObjectPtr object, uint64_t moment) {
  if (purges.hit_since(moment, *object)) return;
  if (object->file) {
    disk->refresh(*object);
    if (purges.hit_since(moment, *object)) drop(object);
    return;
  }
  const ObjectPtr kept = object;
  const bool in_memory = store.insert(std::move(object));
  if (disk && in_memory) disk->remove(*kept);  // an older one
  if (!in_memory) put_on_disk(kept, moment);
  // A purge that came in between has not seen it.
  if (purges.hit_since(moment, *kept)) drop(kept);
}

void Cache::Core::put_on_disk(ObjectPtr object, uint64_t moment) {
  if (!disk) return;
  auto wanted = [this, moment, object] { return !purges.hit_since(moment, *object); };
  disk->write(std::move(object), std::move(wanted));
}

void Cache::Core::drop(const ObjectPtr& object) {
  store.erase(object);
  if (disk) disk->remove(*object);
}

void Cache::Core::put_written(const Object& object, uint64_t moment) {
  // One in memory is older, and would hide it.
  if (const auto variants = store.find(object.key)) {
    for (const ObjectPtr& older : *variants) {
      if (older->is_same_variant(object)) store.erase(older);
    }
  }
  if (purges.hit_since(moment, object)) disk->remove(object);
}

uint64_t Cache::Core::object_bytes_max(const Policy& policy) const {
  const uint64_t fits = disk ? options.disk_bytes_max / 2 : store.object_bytes_max();
  return std::min({options.object_bytes_max, policy.object_bytes_max, fits});
}

Cache::Cache(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Cache::~Cache() = default;

Result<std::unique_ptr<Cache>> Cache::open(CacheOptions options) {
  std::unique_ptr<Disk> disk;
  if (!options.disk_directory.empty()) {
    CUSP_TRY(disk, Disk::open(options.disk_directory, options.disk_bytes_max));
  }
  return std::unique_ptr<Cache>(
      new Cache(std::make_shared<Core>(std::move(options), std::move(disk))));
}

std::optional<http::Response> Cache::try_hit(http::Request& request, const Policy& policy,
                                             Status& status) {
  Visit visit(*core_, request, policy, status);
  return visit.try_hit();
}

io::Task<http::Response> Cache::respond(http::Request& request, const Policy& policy,
                                        std::shared_ptr<Origin> origin, Status& status) {
  Visit visit(*core_, request, policy, status);
  co_return co_await visit.run(std::move(origin));
}

size_t Cache::purge(const Purge& purge) {
  core_->purges.add(purge);
  size_t count = core_->store.purge(purge, core_->now());
  if (core_->disk) count += core_->disk->purge(purge);
  core_->counters.purged += count;
  return count;
}

CacheStats Cache::stats() const {
  const Core::Counters& counters = core_->counters;
  CacheStats stats{
      .hits = counters.hits,
      .stale_hits = counters.stale_hits,
      .misses = counters.misses,
      .bypasses = counters.bypasses,
      .collapsed = counters.collapsed,
      .revalidations = counters.revalidations,
      .stored = counters.stored,
      .purged = counters.purged,
      .evictions = core_->store.evictions(),
      .memory_bytes = core_->store.bytes(),
      .memory_objects = core_->store.objects(),
  };
  if (core_->disk) {
    stats.disk_bytes = core_->disk->bytes();
    stats.disk_objects = core_->disk->objects();
    stats.disk_errors = core_->disk->errors();
  }
  return stats;
}

}  // namespace cusp::edge::cache
