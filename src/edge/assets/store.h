#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/assets/file.h"
#include "edge/compression/encoding.h"
#include "io/blocking_pool.h"
#include "io/task.h"

namespace cusp::edge {

// One file with what has been compressed of it beforehand: app.js, app.js.br, app.js.gz.
struct Resource {
  struct Variant {
    Encoding encoding;
    std::string path;  // below the root
    AssetPtr asset;
  };
  std::vector<Variant> variants;  // the plain file first, then as preferred
};
using ResourcePtr = std::shared_ptr<const Resource>;

// What lies at a path: a file, a folder, or (neither set) nothing.
struct Found {
  ResourcePtr resource;
  bool is_folder = false;
  bool is_busy = false;  // it is there, and cannot be read now
};

// The files below a folder. Small ones stay in memory; whether they have changed is looked up when
// somebody asks and the last look was some time ago. Shared by all shards.
class AssetStore {
 public:
  // `blocking` outlives it.
  AssetStore(std::string root, bool precompressed, io::BlockingPool& blocking)
      : root_(std::move(root)), precompressed_(precompressed), blocking_(blocking) {}

  // What lies at `path`, a path below the root.
  io::Task<Found> find(std::string path);
  // The file behind a variant that is not in memory; nothing when it is not the same any more.
  io::Task<Result<SharedFile::Ptr>> open(Resource::Variant variant);
  // Forgets what was found there.
  void forget(const std::string& path);

  io::BlockingPool& blocking() const { return blocking_; }

  // How long what was found counts without a look.
  static constexpr std::chrono::milliseconds kCheckInterval{200};
  static constexpr size_t kBytesMax = 64 * 1024 * 1024;
  static constexpr size_t kEntriesMax = 16 * 1024;

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::string path;
    ResourcePtr resource;
    Clock::time_point checked;
    size_t bytes;
  };

  ResourcePtr peek(const std::string& path, bool& fresh);
  void keep(const std::string& path, ResourcePtr resource);
  void erase(std::list<Entry>::iterator entry);
  Found load(const std::string& path, const ResourcePtr& known) const;
  void add_variant(Resource& resource, Encoding encoding, std::string path,
                   const ResourcePtr& known) const;

  const std::string root_;
  const bool precompressed_;
  io::BlockingPool& blocking_;

  std::mutex mutex_;          // guards all that follows
  std::list<Entry> entries_;  // the one used last comes first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_path_;
  size_t bytes_ = 0;
};

}  // namespace cusp::edge
