#include "edge/cache/purge.h"

#include <algorithm>

namespace cusp::edge::cache {

bool matches(const Purge& purge, const Object& object) {
  if (!purge.name_space.empty() && purge.name_space != object.name_space) return false;
  switch (purge.what) {
    case Purge::What::kUrl: return object.url == purge.value;
    case Purge::What::kPrefix: return object.url.starts_with(purge.value);
    case Purge::What::kTag: return std::ranges::binary_search(object.tags, purge.value);
    case Purge::What::kEverything: return true;
  }
  return false;
}

ObjectPtr softly_purged(const Object& object, Time now) {
  auto purged = std::make_shared<Object>(object);
  Freshness& freshness = purged->freshness;
  const auto age = std::chrono::floor<Seconds>(freshness.age(now));
  freshness.lifetime = std::min(freshness.lifetime, age);
  return purged;
}

uint64_t PurgeLog::now() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void PurgeLog::add(const Purge& purge) {
  const std::lock_guard lock(mutex_);
  ++count_;
  recent_.push_back(purge);
  if (recent_.size() > kRemembered) recent_.pop_front();
}

bool PurgeLog::hit_since(uint64_t moment, const Object& object) const {
  const std::lock_guard lock(mutex_);
  const uint64_t missed = count_ - moment;
  if (missed > recent_.size()) return true;
  return std::any_of(recent_.end() - static_cast<ptrdiff_t>(missed), recent_.end(),
                     [&](const Purge& purge) { return matches(purge, object); });
}

}  // namespace cusp::edge::cache
