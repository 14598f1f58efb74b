#include "edge/assets/store.h"

#include <array>

#include "io/asio.h"

namespace cusp::edge {

namespace {

struct Suffix {
  Encoding encoding;
  std::string_view text;
};
// As preferred between those that the client likes equally: the smaller first.
constexpr std::array kSuffixes = std::to_array<Suffix>(
    {{Encoding::kBrotli, ".br"}, {Encoding::kZstd, ".zst"}, {Encoding::kGzip, ".gz"}});

constexpr size_t kEntryBytes = 1024;  // what an entry takes besides its contents

size_t bytes_of(const Resource& resource) {
  size_t bytes = kEntryBytes;
  for (const auto& variant : resource.variants) {
    if (variant.asset->content) bytes += variant.asset->content->size();
  }
  return bytes;
}

}  // namespace

io::Task<Found> AssetStore::find(std::string path) {
  bool fresh = false;
  const ResourcePtr known = peek(path, fresh);
  if (known && fresh) co_return Found{.resource = known};
  Found found;
  co_await blocking_.run([&] { found = load(path, known); });
  // What is being written is what it was until it is done.
  if (found.is_busy && known) found = {.resource = known};
  if (found.resource) {
    keep(path, found.resource);
  } else {
    forget(path);
  }
  co_return found;
}

io::Task<Result<SharedFile::Ptr>> AssetStore::open(Resource::Variant variant) {
  if (auto file = variant.asset->file.get()) co_return file;
  Result<OpenedFile> opened;
  co_await blocking_.run([&] { opened = open_beneath(root_, variant.path); });
  if (!opened) co_return std::unexpected(opened.error());
  if (FileIdentity(opened->status) != variant.asset->identity) {
    co_return fail(ErrorCode::kUnavailable, "the file has changed", variant.path);
  }
  co_return variant.asset->file.set(std::move(opened->descriptor));
}

// What is known, and whether it was looked at lately. Whoever is told that it was not is the one
// who looks: the others go on with what is there.
ResourcePtr AssetStore::peek(const std::string& path, bool& fresh) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  Entry& entry = *found->second;
  entries_.splice(entries_.begin(), entries_, found->second);
  fresh = now - entry.checked < kCheckInterval;
  if (!fresh) entry.checked = now;
  return entry.resource;
}

void AssetStore::keep(const std::string& path, ResourcePtr resource) {
  const size_t bytes = bytes_of(*resource);
  const std::lock_guard lock(mutex_);
  const auto found = by_path_.find(path);
  if (found != by_path_.end()) erase(found->second);
  entries_.push_front({path, std::move(resource), Clock::now(), bytes});
  by_path_.emplace(entries_.front().path, entries_.begin());
  bytes_ += bytes;
  while (bytes_ > kBytesMax || entries_.size() > kEntriesMax) erase(std::prev(entries_.end()));
}

void AssetStore::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = by_path_.find(path);
  if (found != by_path_.end()) erase(found->second);
}

void AssetStore::erase(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  by_path_.erase(entry->path);
  entries_.erase(entry);
}

Found AssetStore::load(const std::string& path, const ResourcePtr& known) const {
  const auto opened = open_beneath(root_, path);
  if (!opened) return {.is_busy = opened.error().code == ErrorCode::kUnavailable};
  if (S_ISDIR(opened->status.st_mode)) return {.is_folder = true};
  Resource resource;
  add_variant(resource, Encoding::kIdentity, path, known);
  if (resource.variants.empty()) return {.is_busy = true};
  if (precompressed_) {
    for (const Suffix& suffix : kSuffixes) {
      if (path.ends_with(suffix.text)) break;
      add_variant(resource, suffix.encoding, path + std::string(suffix.text), known);
    }
  }
  return {.resource = std::make_shared<const Resource>(std::move(resource))};
}

// One that is as it was is not read again.
void AssetStore::add_variant(Resource& resource, Encoding encoding, std::string path,
                             const ResourcePtr& known) const {
  const auto opened = open_beneath(root_, path);
  if (!opened || !S_ISREG(opened->status.st_mode)) return;
  const FileIdentity identity(opened->status);
  AssetPtr asset;
  for (size_t i = 0; known && i < known->variants.size(); ++i) {
    const auto& variant = known->variants[i];
    if (variant.encoding == encoding && variant.asset->identity == identity) asset = variant.asset;
  }
  if (!asset) asset = read_asset(opened->descriptor).value_or(nullptr);
  if (asset) resource.variants.push_back({encoding, std::move(path), std::move(asset)});
}

}  // namespace cusp::edge
