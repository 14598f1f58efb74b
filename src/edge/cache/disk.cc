#include "edge/cache/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <latch>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "edge/cache/file_content.h"
#include "edge/cache/object_codec.h"

namespace cusp::edge::cache {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWaitingBytesMax = 64 * limits::kMiB;
constexpr uint8_t kHitsMax = 3;
constexpr std::string_view kSuffix = ".obj";
constexpr std::string_view kUnfinished = "/unfinished/";  // the folder of what is being written

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

// The whole content; nothing when it is not as it was written.
std::optional<Content> read_content(const File& file, const FileHead& head) {
  Content content;
  for (uint64_t chunk = 0; content.size < head.header.content_bytes; ++chunk) {
    auto bytes = read_chunk(file, head.header.content_bytes, head.digests, chunk);
    if (!bytes) return std::nullopt;
    content.append(std::make_shared<const std::string>(std::move(*bytes)));
  }
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
  // What an earlier process did not finish, before this one begins anything.
  const std::string unfinished = directory + std::string(kUnfinished);
  fs::remove_all(unfinished, error);
  if (!error) fs::create_directory(unfinished, error);
  if (error) {
    return fail(ErrorCode::kUnavailable, "the cache's directory cannot be used: " + error.message(),
                unfinished);
  }
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

std::unique_ptr<ObjectFileWriter> Disk::make_writer(const std::string& name) const {
  return std::make_unique<ObjectFileWriter>(path_of(name),
                                            directory_ + std::string(kUnfinished) + name);
}

// ---- the index

void Disk::scan() {
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (closing_) return;
    const fs::path& path = at->path();
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
  head->file.reset();
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

void Disk::write(ObjectPtr object, std::function<bool()> wanted) {
  const uint64_t bytes = object->bytes();
  if (!object->coding.empty()) return;  // soon made again
  if (bytes > bytes_max_ || waiting_bytes_ + bytes > kWaitingBytesMax) return;
  waiting_bytes_ += bytes;
  pool_.post([this, object = std::move(object), wanted = std::move(wanted), bytes] {
    if (wanted()) write_at_once(*object);
    // A purge may have looked at the index while the file was not there yet.
    if (!wanted()) remove(*object);
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
  if (object.part || !object.coding.empty() || is_there(name, object)) return;
  const auto writer = make_writer(name);
  if (writer->is_taken()) return;
  bool written = true;
  for (const Block& block : object.content.blocks) written = written && writer->append(*block);
  finish(*writer, name, object, written);
}

bool Disk::finish(ObjectFileWriter& writer, const std::string& name, const Object& object,
                  bool good) {
  if (good && writer.finish(object)) {
    add(name, object, writer.file_bytes());
    return true;
  }
  ++errors_;
  log::warn("the cache could not write {}: {}", path_of(name), std::strerror(errno));
  return false;
}

// What is in a file that is not as it was written is not worth keeping.
void Disk::discard(const std::string& name) {
  ++errors_;
  {
    const std::lock_guard lock(mutex_);
    forget(name);
  }
  remove_file(name);
}

ObjectPtr Disk::read_now(const std::string& name, Time now, uint64_t whole_bytes_max) {
  File file(path_of(name), O_RDONLY | O_CLOEXEC);
  auto head = file ? read_head(file) : std::nullopt;
  if (!head || name_of(head->object) != name) {
    discard(name);
    return nullptr;
  }
  const bool softly = head->header.softly_purged;
  auto object = std::make_shared<Object>(std::move(head->object));
  if (object->content.size > whole_bytes_max) {
    object->file = std::make_shared<const FileContent>(std::move(file), std::move(*head), pool_,
                                                       [this, name] { discard(name); });
  } else {
    auto content = read_content(file, *head);
    if (!content) {
      discard(name);
      return nullptr;
    }
    object->content = std::move(*content);
  }
  if (softly) return softly_purged(*object, now);
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(name); found != entries_.end() && found->second.newer) {
    const Object& newer = *found->second.newer;
    object->fields = newer.fields;
    object->freshness = newer.freshness;
    object->tags = newer.tags;
  }
  return object;
}

void Disk::refresh(const Object& object) {
  const std::string name = name_of(object);
  auto newer = std::make_shared<Object>(object);
  newer->file.reset();
  auto head = std::make_shared<Object>(*newer);
  head->fields.clear();
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  found->second.head = std::move(head);
  found->second.newer = std::move(newer);
  pool_.post([this, name] {
    File file(path_of(name), O_WRONLY | O_CLOEXEC);
    if (file) file.write_at(FileHeader::kSoftAt, std::string_view("\0", 1));
  });
}

io::Task<std::vector<ObjectPtr>> Disk::load(std::string key, Time now, uint64_t whole_bytes_max) {
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
      if (auto object = read_now(name, now, whole_bytes_max)) objects.push_back(std::move(object));
    }
  });
  co_return objects;
}

// ---- what is written while it comes

Disk::Writer::Writer(Disk& disk, std::string name) : disk_(disk), name_(std::move(name)) {}

Disk::Writer::~Writer() {
  // Its end may remove a file.
  if (file_) disk_.pool_.post([file = std::shared_ptr<ObjectFileWriter>(std::move(file_))] {});
}

io::Task<bool> Disk::Writer::append(Block block) {
  bool good = false;
  co_await disk_.pool_.run([&] {
    if (!file_) file_ = disk_.make_writer(name_);
    good = !file_->is_taken() && file_->append(*block);
  });
  co_return good;
}

io::Task<bool> Disk::Writer::commit(const Object& object) {
  bool good = false;
  co_await disk_.pool_.run([&] { good = disk_.finish(*file_, name_, object, true); });
  co_return good;
}

std::unique_ptr<Disk::Writer> Disk::begin(const Object& object) {
  return std::unique_ptr<Writer>(new Writer(*this, name_of(object)));
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
    File file(path_of(name), O_WRONLY | O_CLOEXEC);
    if (file && !file.write_at(FileHeader::kSoftAt, "\1")) ++errors_;
  }
  return names.size();
}

}  // namespace cusp::edge::cache
