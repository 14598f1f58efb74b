#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/cache/object.h"
#include "edge/cache/purge.h"

namespace cusp::edge::cache {

// The stored responses to one key, newest first, never more than kVariantsMax. Some are another's
// in a content coding (Object::coding).
using Variants = std::vector<ObjectPtr>;
inline constexpr size_t kVariantsMax = 64;

// The memory tier: bounded in bytes, everything counted, with S3-FIFO eviction (Yang and others,
// "FIFO queues are all you need for cache eviction", SOSP 2023): newcomers wait in a small queue,
// those asked for again move to the main one, and a newcomer that was thrown out not long ago goes
// to the main one at once. A hit moves nothing, it counts up. All functions are thread-safe; the
// locks are striped by key and held for map operations only.
class Store {
 public:
  // `evicted` is called without a lock for what was asked for at least once and had to go.
  Store(size_t bytes_max, std::function<void(ObjectPtr)> evicted);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Null when there is none.
  std::shared_ptr<const Variants> find(const std::string& key);
  // Puts it in the place of the variant with the same variance; false when it is larger than
  // object_bytes_max().
  bool insert(ObjectPtr object);
  // Puts `next` where `object` is; nothing happens when it is not there any more.
  void replace(const ObjectPtr& object, ObjectPtr next);
  void erase(const ObjectPtr& object);
  // The number of objects that went, or were marked.
  size_t purge(const Purge& purge, Time now);

  // The largest object that fits.
  size_t object_bytes_max() const;
  // Calls `visit` for each object, without a lock.
  void for_each(const std::function<void(const ObjectPtr&)>& visit) const;

  size_t bytes() const;
  size_t objects() const;
  uint64_t evictions() const { return evictions_; }

 private:
  class Stripe;
  Stripe& stripe_of(const std::string& key) const;
  void after(std::vector<ObjectPtr> evicted);

  std::vector<std::unique_ptr<Stripe>> stripes_;
  std::function<void(ObjectPtr)> evicted_;
  std::atomic<uint64_t> evictions_ = 0;
};

}  // namespace cusp::edge::cache
