#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/descriptor.h"
#include "base/result.h"

namespace cusp::edge {

// What tells one state of a file from another: a file whose identity is the same holds the same
// bytes.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_s = 0;
  int64_t modified_ns = 0;

  explicit FileIdentity(const struct stat& status);
  bool operator==(const FileIdentity&) const = default;
};

// A file or folder that has been opened below a root.
struct OpenedFile {
  Descriptor descriptor;
  struct stat status{};
};

// Opens `relative` ("" is the root) for reading. The kernel sees to it that nothing outside of
// `root` is reached, through ".." or symbolic links (openat2(2), RESOLVE_BENEATH). Blocks. Errors:
// kNotFound, also for what lies outside and for what is neither a file nor a folder;
// kPermissionDenied; kUnavailable.
Result<OpenedFile> open_beneath(const std::string& root, const std::string& relative);

// A file that is open while somebody reads it, once for all who do: what clients read slowly must
// not take up the process's descriptors. Thread-safe.
class SharedFile {
 public:
  using Ptr = std::shared_ptr<const Descriptor>;

  Ptr get() const {
    const std::lock_guard lock(mutex_);
    return file_.lock();
  }
  Ptr set(Descriptor descriptor) {
    auto file = std::make_shared<const Descriptor>(std::move(descriptor));
    const std::lock_guard lock(mutex_);
    file_ = file;
    return file;
  }

 private:
  mutable std::mutex mutex_;
  std::weak_ptr<const Descriptor> file_;
};

// One file as it was at one time. Immutable: shared by all shards.
struct Asset {
  explicit Asset(const FileIdentity& of) : identity(of) {}

  FileIdentity identity;
  std::string etag;           // strong, with its quotes
  std::string last_modified;  // an HTTP date
  // The bytes; null: too large to be kept in memory.
  std::shared_ptr<const std::string> content;
  mutable SharedFile file;  // of one without content
};
using AssetPtr = std::shared_ptr<const Asset>;

inline constexpr uint64_t kAssetInMemoryBytesMax = 256 * 1024;

// Reads a file once, so that its tag names exactly the bytes that were there. Blocks. Errors:
// kUnavailable for one that is being written all the while, or cannot be read.
Result<AssetPtr> read_asset(const Descriptor& file);

}  // namespace cusp::edge
