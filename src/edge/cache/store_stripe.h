#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "edge/cache/store.h"

namespace cusp::edge::cache {

// One part of the store with its lock, for store.cc and store_stripe.cc. The functions lock; what
// they throw out they hand back, so that nobody is called under the lock.
class Store::Stripe {
 public:
  explicit Stripe(size_t bytes_max) : bytes_max_(bytes_max) {}

  // What had to make room: `valued` was asked for while it was here.
  struct Evicted {
    std::vector<ObjectPtr> valued;
    size_t count = 0;
  };

  std::shared_ptr<const Variants> find(const std::string& key);
  Evicted insert(ObjectPtr object);
  Evicted replace(const ObjectPtr& object, ObjectPtr next);  // a null `next` erases
  size_t purge(const Purge& purge, Time now);

  size_t bytes() const;
  size_t objects() const;
  std::vector<ObjectPtr> all() const;
  size_t object_bytes_max() const { return bytes_max_ / 2; }

 private:
  struct Entry;
  using Queue = std::list<Entry*>;
  struct Entry {
    std::string key;
    std::shared_ptr<const Variants> variants;
    size_t bytes = 0;
    uint8_t hits = 0;  // since it came to its place in the queue, at most kHitsMax
    bool in_main = false;
    Queue::iterator place;
  };

  void set(Entry& entry, Variants variants);
  void index(Entry& entry, bool add);
  Entry* entry_of(const std::string& key);
  Evicted make_room();
  void evict_small(Evicted& evicted);
  void evict_main(Evicted& evicted);
  void throw_out(Entry& entry, Evicted& evicted);
  void remember(const std::string& key);
  std::vector<Entry*> candidates(const Purge& purge);

  const size_t bytes_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
  // By "t" and a tag or "u" and a URL, who has it.
  std::unordered_map<std::string, std::unordered_set<Entry*>> index_;
  Queue small_;  // newest in front
  Queue main_;
  size_t small_bytes_ = 0;
  size_t main_bytes_ = 0;
  size_t objects_ = 0;
  // What went out of the small queue, by the hash of its key.
  std::deque<uint64_t> ghosts_;
  std::unordered_multiset<uint64_t> ghost_set_;
};

}  // namespace cusp::edge::cache
