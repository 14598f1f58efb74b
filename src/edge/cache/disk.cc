#include "edge/cache/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <latch>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "edge/cache/object_codec.h"

namespace cusp::edge::cache {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWaitingBytesMax = 64 * limits::kMiB;
constexpr uint8_t kHitsMax = 3;
constexpr std::string_view kSuffix = ".obj";
constexpr std::string_view kTemporary = ".tmp";

// The name says whose file it is; that it is, its meta has to prove.
std::string name_of(const Object& object) {
  std::string id = object.key;
  for (const auto& choice : object.variance.choices) {
    id += fmt::format("{}:{},{}:{},", choice.name.size(), choice.name,
                      choice.value ? static_cast<int64_t>(choice.value->size()) : -1,
                      choice.value.value_or(""));
  }
  std::string name;
  for (const unsigned char byte : digest_of(id).substr(0, 20)) name += fmt::format("{:02x}", byte);
  return name;
}

// What a file is found by.
std::array<std::string, 2> index_names(const Object& object) {
  return {"k" + object.key, "u" + object.url};
}

// A file that closes itself.
class File {
 public:
  File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags, 0600)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  explicit operator bool() const { return descriptor_ >= 0; }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::write(descriptor_, bytes.data(), bytes.size());
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(size));
    }
    return true;
  }
  // Nothing when there are fewer bytes.
  std::optional<std::string> read(size_t size) {
    std::string bytes(size, '\0');
    size_t at = 0;
    while (at < size) {
      const ssize_t got = ::read(descriptor_, bytes.data() + at, size - at);
      if (got <= 0) return std::nullopt;
      at += static_cast<size_t>(got);
    }
    return bytes;
  }
  bool at_end() {
    char byte = 0;
    return ::read(descriptor_, &byte, 1) == 0;
  }
  uint64_t size() const {
    struct stat info = {};
    return ::fstat(descriptor_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  }

 private:
  int descriptor_;
};

struct Head {
  FileHeader header;
  Object object;
};

// What stands before the content; nothing when it is not as it was written.
std::optional<Head> read_head(File& file) {
  const auto bytes = file.read(FileHeader::kBytes);
  const auto header = bytes ? decode_header(*bytes) : std::nullopt;
  if (!header || file.size() != FileHeader::kBytes + header->meta_bytes + header->content_bytes) {
    return std::nullopt;
  }
  const auto meta = file.read(header->meta_bytes);
  if (!meta || digest_of(*meta) != header->meta_digest) return std::nullopt;
  auto object = decode_meta(*meta);
  if (!object) return std::nullopt;
  return Head{*header, std::move(*object)};
}

std::optional<Content> read_content(File& file, const FileHeader& header) {
  Content content;
  for (uint64_t left = header.content_bytes; left > 0;) {
    const uint64_t size = std::min<uint64_t>(left, limits::kBodyChunkBytes);
    auto block = file.read(size);
    if (!block) return std::nullopt;
    content.append(std::make_shared<const std::string>(std::move(*block)));
    left -= size;
  }
  if (!file.at_end() || digest_of(content) != header.content_digest) return std::nullopt;
  return content;
}

}  // namespace

Result<std::unique_ptr<Disk>> Disk::open(const std::string& directory, uint64_t bytes_max) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    return fail(ErrorCode::kUnavailable, "the cache's directory cannot be made: " + error.message(),
                directory);
  }
  const std::string path = directory + "/lock";
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    const ErrorCode code = errno == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable;
    return fail(code, std::string("the cache's directory cannot be used: ") + std::strerror(errno),
                directory);
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(ErrorCode::kAlreadyExists,
                "another process has this cache directory; give each node one of its own",
                directory);
  }
  auto disk = std::unique_ptr<Disk>(new Disk(directory, bytes_max, lock));
  disk->pool_.post([disk = disk.get()] { disk->scan(); });
  return disk;
}

Disk::Disk(std::string directory, uint64_t bytes_max, int lock)
    : directory_(std::move(directory)), bytes_max_(bytes_max), lock_(lock) {}

Disk::~Disk() {
  closing_ = true;
  settle();
  ::close(lock_);
}

void Disk::settle() {
  // Each thread has to come here, past what it was asked before. Shared: the last one out may still
  // be in it when we are not.
  const auto met = std::make_shared<std::latch>(kThreads + 1);
  for (size_t i = 0; i < kThreads; ++i) pool_.post([met] { met->arrive_and_wait(); });
  met->arrive_and_wait();
}

std::string Disk::path_of(const std::string& name) const {
  return directory_ + "/" + name.substr(0, 2) + "/" + name + std::string(kSuffix);
}

// ---- the index

void Disk::scan() {
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (closing_) return;
    const fs::path& path = at->path();
    if (path.extension() == kTemporary) fs::remove(path, error);
    if (path.extension() != kSuffix) continue;
    const std::string name = path.stem().string();
    File file(path.string(), O_RDONLY | O_CLOEXEC);
    const auto head = file ? read_head(file) : std::nullopt;
    if (!head || name_of(head->object) != name) {
      ++errors_;
      fs::remove(path, error);
      continue;
    }
    add(name, head->object, file.size());
  }
  const std::lock_guard lock(mutex_);
  scanning_ = false;
  purged_while_scanning_.clear();
}

void Disk::add(const std::string& name, const Object& object, uint64_t bytes) {
  auto head = std::make_shared<Object>(object);
  head->fields.clear();
  head->content = {};
  bool purged = false;
  {
    const std::lock_guard lock(mutex_);
    purged = std::ranges::any_of(purged_while_scanning_,
                                 [&](const Purge& purge) { return matches(purge, object); });
    if (!purged) {
      forget(name);
      order_.push_front(name);
      for (const auto& by : index_names(object)) names_[by].push_back(name);
      entries_[name] = {.head = std::move(head), .bytes = bytes, .place = order_.begin()};
      bytes_ += bytes;
    }
  }
  if (purged) remove_file(name);
  make_room();
}

void Disk::forget(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  bytes_ -= found->second.bytes;
  order_.erase(found->second.place);
  for (const auto& by : index_names(*found->second.head)) {
    const auto names = names_.find(by);
    std::erase(names->second, name);
    if (names->second.empty()) names_.erase(names);
  }
  entries_.erase(found);
}

// Oldest first, with a second chance for what was read since.
void Disk::make_room() {
  std::vector<std::string> removed;
  {
    const std::lock_guard lock(mutex_);
    while (bytes_ > bytes_max_ && !order_.empty()) {
      const std::string name = order_.back();
      Entry& entry = entries_.at(name);
      if (entry.hits > 0) {
        --entry.hits;
        order_.splice(order_.begin(), order_, entry.place);
        continue;
      }
      forget(name);
      removed.push_back(name);
    }
  }
  for (const std::string& name : removed) remove_file(name);
}

void Disk::remove_file(const std::string& name) { ::unlink(path_of(name).c_str()); }

bool Disk::may_have(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return names_.contains("k" + key);
}

size_t Disk::objects() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

// ---- files

void Disk::write(ObjectPtr object) {
  const uint64_t bytes = object->bytes();
  if (bytes > bytes_max_ || waiting_bytes_ + bytes > kWaitingBytesMax) return;
  waiting_bytes_ += bytes;
  pool_.post([this, object = std::move(object), bytes] {
    write_at_once(*object);
    waiting_bytes_ -= bytes;
  });
}

bool Disk::is_there(const std::string& name, const Object& object) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found != entries_.end() && found->second.head->freshness == object.freshness;
}

void Disk::remove(const Object& object) {
  if (!may_have(object.key)) return;
  const std::string name = name_of(object);
  {
    const std::lock_guard lock(mutex_);
    forget(name);
  }
  remove_file(name);
}

void Disk::write_at_once(const Object& object) {
  const std::string name = name_of(object);
  if (object.part || is_there(name, object)) return;
  const std::string path = path_of(name);
  const std::string temporary = path + std::string(kTemporary);
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  const std::string meta = encode_meta(object);
  FileHeader header;
  header.meta_bytes = static_cast<uint32_t>(meta.size());
  header.content_bytes = object.content.size;
  header.meta_digest = digest_of(meta);
  header.content_digest = digest_of(object.content);
  bool written = false;
  {
    // O_EXCL: when two write the same at once, one is enough.
    File file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
    if (!file && errno == EEXIST) return;
    written = file && file.write(encode(header)) && file.write(meta);
    for (const Block& block : object.content.blocks) written = written && file.write(*block);
  }
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    ++errors_;
    ::unlink(temporary.c_str());
    log::warn("the cache could not write {}: {}", path, std::strerror(errno));
    return;
  }
  add(name, object, FileHeader::kBytes + meta.size() + object.content.size);
}

ObjectPtr Disk::read_now(const std::string& name, Time now) {
  File file(path_of(name), O_RDONLY | O_CLOEXEC);
  auto head = file ? read_head(file) : std::nullopt;
  auto content = head ? read_content(file, head->header) : std::nullopt;
  if (!content || name_of(head->object) != name) {
    ++errors_;
    {
      const std::lock_guard lock(mutex_);
      forget(name);
    }
    remove_file(name);
    return nullptr;
  }
  auto object = std::make_shared<Object>(std::move(head->object));
  object->content = std::move(*content);
  if (head->header.softly_purged) return softly_purged(*object, now);
  return object;
}

io::Task<std::vector<ObjectPtr>> Disk::load(std::string key, Time now) {
  std::vector<ObjectPtr> objects;
  co_await pool_.run([&] {
    std::vector<std::string> names;
    {
      const std::lock_guard lock(mutex_);
      const auto found = names_.find("k" + key);
      if (found == names_.end()) return;
      names = found->second;
      for (const std::string& name : names) {
        uint8_t& hits = entries_.at(name).hits;
        if (hits < kHitsMax) ++hits;
      }
    }
    for (const std::string& name : names) {
      if (auto object = read_now(name, now)) objects.push_back(std::move(object));
    }
  });
  co_return objects;
}

std::vector<std::string> Disk::candidates(const Purge& purge) const {
  std::vector<std::string> names;
  if (purge.what == Purge::What::kUrl) {
    if (const auto found = names_.find("u" + purge.value); found != names_.end())
      names = found->second;
    return names;
  }
  names.assign(order_.begin(), order_.end());
  return names;
}

size_t Disk::purge(const Purge& purge) {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    if (scanning_) purged_while_scanning_.push_back(purge);
    names = candidates(purge);
    std::erase_if(
        names, [&](const std::string& name) { return !matches(purge, *entries_.at(name).head); });
    if (!purge.soft) {
      for (const std::string& name : names) forget(name);
    }
  }
  for (const std::string& name : names) {
    if (!purge.soft) {
      remove_file(name);
      continue;
    }
    const int file = ::open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) continue;
    if (::pwrite(file, "\1", 1, FileHeader::kSoftAt) != 1) ++errors_;
    ::close(file);
  }
  return names.size();
}

}  // namespace cusp::edge::cache
