#include "edge/cache/store_stripe.h"

#include <algorithm>

namespace cusp::edge::cache {

namespace {

constexpr uint8_t kHitsMax = 3;
// The small queue's share of the bytes, in percent.
constexpr size_t kSmallPercent = 10;
constexpr size_t kGhostsMax = 16 * 1024;

// Whether `older` has no place beside `object`: the same again, or a coded form of bytes that are
// not these.
bool makes_obsolete(const Object& object, const Object& older) {
  if (object.is_same_variant(older)) return true;
  return object.coding.empty() && !older.coding.empty() && object.variance == older.variance &&
         !older.is_coded_form_of(object);
}

uint64_t hash_of(const std::string& key) { return std::hash<std::string>()(key); }

}  // namespace

std::shared_ptr<const Variants> Store::Stripe::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  Entry& entry = *found->second;
  if (entry.hits < kHitsMax) ++entry.hits;
  return entry.variants;
}

Store::Stripe::Entry* Store::Stripe::entry_of(const std::string& key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.get();
}

Store::Stripe::Evicted Store::Stripe::insert(ObjectPtr object) {
  const std::lock_guard lock(mutex_);
  const std::string key = object->key;
  Entry* entry = entry_of(key);
  Variants variants;
  variants.push_back(object);
  if (entry != nullptr) {
    for (const ObjectPtr& other : *entry->variants) {
      if (variants.size() < kVariantsMax && !makes_obsolete(*object, *other))
        variants.push_back(other);
    }
  } else {
    auto made = std::make_unique<Entry>();
    entry = made.get();
    entry->key = key;
    entry->in_main = ghost_set_.contains(hash_of(key));
    Queue& queue = entry->in_main ? main_ : small_;
    queue.push_front(entry);
    entry->place = queue.begin();
    entries_.emplace(key, std::move(made));
  }
  set(*entry, std::move(variants));
  return make_room();
}

Store::Stripe::Evicted Store::Stripe::replace(const ObjectPtr& object, ObjectPtr next) {
  const std::lock_guard lock(mutex_);
  Entry* entry = entry_of(object->key);
  if (entry == nullptr) return {};
  Variants variants = *entry->variants;
  const auto place = std::ranges::find(variants, object);
  if (place == variants.end()) return {};
  if (next) {
    *place = std::move(next);
  } else {
    std::erase_if(variants, [&](const ObjectPtr& other) {
      return other == object || (object->coding.empty() && other->is_coded_form_of(*object));
    });
  }
  set(*entry, std::move(variants));
  return make_room();
}

// Gives an entry its objects; without any, the entry goes.
void Store::Stripe::set(Entry& entry, Variants variants) {
  size_t& bytes = entry.in_main ? main_bytes_ : small_bytes_;
  if (entry.variants) {
    index(entry, false);
    objects_ -= entry.variants->size();
  }
  bytes -= entry.bytes;
  entry.bytes = 0;
  if (variants.empty()) {
    entry.variants = nullptr;
    (entry.in_main ? main_ : small_).erase(entry.place);
    entries_.erase(std::string(entry.key));
    return;
  }
  for (const ObjectPtr& object : variants) entry.bytes += object->bytes();
  bytes += entry.bytes;
  objects_ += variants.size();
  entry.variants = std::make_shared<const Variants>(std::move(variants));
  index(entry, true);
}

void Store::Stripe::index(Entry& entry, bool add) {
  const auto note = [&](const std::string& name) {
    if (add) {
      index_[name].insert(&entry);
    } else if (const auto found = index_.find(name); found != index_.end()) {
      found->second.erase(&entry);
      if (found->second.empty()) index_.erase(found);
    }
  };
  for (const ObjectPtr& object : *entry.variants) {
    note("u" + object->url);
    for (const std::string& tag : object->tags) note("t" + tag);
  }
}

// ---- eviction

Store::Stripe::Evicted Store::Stripe::make_room() {
  Evicted evicted;
  while (small_bytes_ + main_bytes_ > bytes_max_) {
    const bool from_small = main_.empty() || small_bytes_ * 100 > bytes_max_ * kSmallPercent;
    if (from_small && !small_.empty()) {
      evict_small(evicted);
    } else {
      evict_main(evicted);
    }
  }
  return evicted;
}

void Store::Stripe::evict_small(Evicted& evicted) {
  Entry& entry = *small_.back();
  if (entry.hits <= 1) {
    remember(entry.key);
    throw_out(entry, evicted);
    return;
  }
  entry.hits = 0;
  entry.in_main = true;
  small_bytes_ -= entry.bytes;
  main_bytes_ += entry.bytes;
  main_.splice(main_.begin(), small_, entry.place);
}

void Store::Stripe::evict_main(Evicted& evicted) {
  Entry& entry = *main_.back();
  if (entry.hits == 0) {
    throw_out(entry, evicted);
    return;
  }
  --entry.hits;
  main_.splice(main_.begin(), main_, entry.place);
}

void Store::Stripe::throw_out(Entry& entry, Evicted& evicted) {
  evicted.count += entry.variants->size();
  if (entry.in_main || entry.hits > 0) {
    evicted.valued.insert(evicted.valued.end(), entry.variants->begin(), entry.variants->end());
  }
  set(entry, {});
}

void Store::Stripe::remember(const std::string& key) {
  ghosts_.push_back(hash_of(key));
  ghost_set_.insert(ghosts_.back());
  if (ghosts_.size() > std::min(kGhostsMax, std::max<size_t>(entries_.size(), 64))) {
    ghost_set_.erase(ghost_set_.find(ghosts_.front()));
    ghosts_.pop_front();
  }
}

// ---- purges

std::vector<Store::Stripe::Entry*> Store::Stripe::candidates(const Purge& purge) {
  std::vector<Entry*> found;
  if (purge.what == Purge::What::kTag || purge.what == Purge::What::kUrl) {
    const char* kind = purge.what == Purge::What::kTag ? "t" : "u";
    if (const auto indexed = index_.find(kind + purge.value); indexed != index_.end())
      found.assign(indexed->second.begin(), indexed->second.end());
    return found;
  }
  found.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) found.push_back(entry.get());
  return found;
}

size_t Store::Stripe::purge(const Purge& purge, Time now) {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (Entry* entry : candidates(purge)) {
    Variants variants;
    size_t matching = 0;
    bool touched = false;
    for (const ObjectPtr& object : *entry->variants) {
      const bool hit = matches(purge, *object);
      matching += hit && object->coding.empty();
      touched |= hit;
      if (!hit) {
        variants.push_back(object);
      } else if (purge.soft) {
        variants.push_back(softly_purged(*object, now));
      }
    }
    if (touched) set(*entry, std::move(variants));
    count += matching;
  }
  return count;
}

// ---- figures

size_t Store::Stripe::bytes() const {
  const std::lock_guard lock(mutex_);
  return small_bytes_ + main_bytes_;
}

size_t Store::Stripe::objects() const {
  const std::lock_guard lock(mutex_);
  return objects_;
}

std::vector<ObjectPtr> Store::Stripe::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<ObjectPtr> objects;
  objects.reserve(objects_);
  for (const auto& [key, entry] : entries_) {
    objects.insert(objects.end(), entry->variants->begin(), entry->variants->end());
  }
  return objects;
}

}  // namespace cusp::edge::cache
