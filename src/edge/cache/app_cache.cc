#include "edge/cache/app_cache.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "edge/cache/core.h"
#include "io/asio.h"

namespace cusp::edge::cache {

namespace {

// An entry lies in the store as an object whose content is its metadata and its body, in one block.
// This field says how much is metadata; without it there is none.
constexpr std::string_view kMetadataSize = "metadata-size";

// What came from disk came in pieces.
ObjectPtr in_one_block(const ObjectPtr& object) {
  if (object->content.blocks.size() < 2) return object;
  std::string bytes;
  bytes.reserve(object->content.size);
  for (const Block& block : object->content.blocks) bytes += *block;
  auto whole = std::make_shared<Object>(*object);
  whole->content = {};
  whole->content.append(std::make_shared<const std::string>(std::move(bytes)));
  return whole;
}

std::optional<size_t> metadata_size(const Object& object) {
  const auto text = object.fields.get(kMetadataSize);
  size_t size = 0;
  if (!text || std::from_chars(text->begin(), text->end(), size).ec != std::errc()) return {};
  return size;
}

// What an object is good for at `now`; nothing when its time is over.
std::optional<AppCache::Entry> entry_of(const Object& object, Time now) {
  const auto left = object.freshness.left(now);
  if (left + object.freshness.stale_while_revalidate <= Seconds(0)) return std::nullopt;
  const bool is_empty = object.content.blocks.empty();
  AppCache::Entry entry{
      .age = std::max(Seconds(0), std::chrono::floor<Seconds>(object.freshness.age(now))),
      .stale = left <= Seconds(0),
      .bytes = is_empty ? std::make_shared<const std::string>() : object.content.blocks.front()};
  const auto size = metadata_size(object);
  const std::string_view bytes = *entry.bytes;
  if (size) entry.metadata = bytes.substr(0, *size);
  entry.body = bytes.substr(std::min(size.value_or(0), bytes.size()));
  return entry;
}

}  // namespace

AppCache::AppCache(Cache& cache, std::string app)
    : cache_(cache), core_(*cache.core_), app_(std::move(app)) {}

// The key of a request begins with a number (make_key).
std::string AppCache::full_key(std::string_view key) const {
  return fmt::format("app {}:{},{}", app_.size(), app_, key);
}

std::optional<AppCache::Entry> AppCache::find_in_memory(std::string_view key) const {
  const auto variants = core_.store.find(full_key(key));
  return variants ? entry_of(*variants->front(), core_.now()) : std::nullopt;
}

bool AppCache::may_be_on_disk(std::string_view key) const {
  return core_.disk && core_.disk->may_have(full_key(key));
}

io::Task<std::optional<AppCache::Entry>> AppCache::find(std::string key) const {
  if (auto entry = find_in_memory(key)) co_return entry;
  if (!may_be_on_disk(key)) co_return std::nullopt;
  const std::string stored_as = full_key(key);
  const uint64_t moment = core_.purges.now();
  const Variants loaded = co_await core_.disk->load(stored_as, core_.now(), UINT64_MAX);
  // What was inserted or erased meanwhile counts.
  if (auto entry = find_in_memory(key)) co_return entry;
  if (loaded.empty() || !core_.disk->may_have(stored_as)) co_return std::nullopt;
  const ObjectPtr object = in_one_block(loaded.front());
  if (object->key != stored_as || core_.purges.hit_since(moment, *object)) co_return std::nullopt;
  core_.store.insert(object);
  co_return entry_of(*object, core_.now());
}

Result<> AppCache::insert(std::string_view key, Options options, std::string_view body) {
  auto object = std::make_shared<Object>();
  object->key = full_key(key);
  object->url = "app:" + app_;
  object->name_space = app_;
  object->freshness = {
      .received = core_.now(), .lifetime = options.fresh, .stale_while_revalidate = options.stale};
  std::ranges::sort(options.tags);
  options.tags.erase(std::ranges::unique(options.tags).begin(), options.tags.end());
  object->tags = std::move(options.tags);
  std::string bytes;
  bytes.reserve(body.size() + (options.metadata ? options.metadata->size() : 0));
  if (options.metadata) {
    object->fields.add(kMetadataSize, std::to_string(options.metadata->size()));
    bytes += *options.metadata;
  }
  bytes += body;
  object->content.append(std::make_shared<const std::string>(std::move(bytes)));
  if (object->bytes() > core_.object_bytes_max({})) {
    return fail(ErrorCode::kResourceExhausted, "the cache of this node takes no object so large");
  }
  core_.put(std::move(object), core_.purges.now());
  return {};
}

void AppCache::erase(std::string_view key) {
  auto object = std::make_shared<Object>();
  object->key = full_key(key);
  const auto variants = core_.store.find(object->key);
  core_.drop(variants ? variants->front() : object);
}

void AppCache::purge_tag(std::string tag, bool soft) {
  cache_.purge(
      {.what = Purge::What::kTag, .value = std::move(tag), .name_space = app_, .soft = soft});
}

}  // namespace cusp::edge::cache
