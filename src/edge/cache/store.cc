#include "edge/cache/store.h"

#include <algorithm>

#include "edge/cache/store_stripe.h"

namespace cusp::edge::cache {

namespace {

// A stripe below this would hold too few objects to choose well among them.
constexpr size_t kStripeBytesMin = 32 * 1024 * 1024;
constexpr size_t kStripesMax = 16;

}  // namespace

Store::Store(size_t bytes_max, std::function<void(ObjectPtr)> evicted)
    : evicted_(std::move(evicted)) {
  const size_t count = std::clamp<size_t>(bytes_max / kStripeBytesMin, 1, kStripesMax);
  for (size_t i = 0; i < count; ++i)
    stripes_.push_back(std::make_unique<Stripe>(bytes_max / count));
}

Store::~Store() = default;

Store::Stripe& Store::stripe_of(const std::string& key) const {
  // The upper bits: the maps inside use the lower ones.
  return *stripes_[(std::hash<std::string>()(key) >> 48) % stripes_.size()];
}

std::shared_ptr<const Variants> Store::find(const std::string& key) {
  return stripe_of(key).find(key);
}

bool Store::insert(ObjectPtr object) {
  if (object->bytes() > object_bytes_max()) return false;
  Stripe& stripe = stripe_of(object->key);
  auto evicted = stripe.insert(std::move(object));
  evictions_ += evicted.count;
  after(std::move(evicted.valued));
  return true;
}

void Store::replace(const ObjectPtr& object, ObjectPtr next) {
  auto evicted = stripe_of(object->key).replace(object, std::move(next));
  evictions_ += evicted.count;
  after(std::move(evicted.valued));
}

void Store::erase(const ObjectPtr& object) { replace(object, nullptr); }

size_t Store::purge(const Purge& purge, Time now) {
  size_t count = 0;
  for (const auto& stripe : stripes_) count += stripe->purge(purge, now);
  return count;
}

void Store::after(std::vector<ObjectPtr> evicted) {
  for (ObjectPtr& object : evicted) evicted_(std::move(object));
}

size_t Store::object_bytes_max() const { return stripes_.front()->object_bytes_max(); }

void Store::for_each(const std::function<void(const ObjectPtr&)>& visit) const {
  for (const auto& stripe : stripes_) {
    for (const ObjectPtr& object : stripe->all()) visit(object);
  }
}

size_t Store::bytes() const {
  size_t bytes = 0;
  for (const auto& stripe : stripes_) bytes += stripe->bytes();
  return bytes;
}

size_t Store::objects() const {
  size_t objects = 0;
  for (const auto& stripe : stripes_) objects += stripe->objects();
  return objects;
}

}  // namespace cusp::edge::cache
