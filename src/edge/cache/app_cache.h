#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/cache/cache.h"
#include "io/task.h"

namespace cusp::edge::cache {

// What an application has put aside under a name of its own, in the same store as its responses:
// one bound on memory and disk, one eviction, the same purges. Its keys are no keys of requests, so
// that no URL leads to them, and hold the application's name, so that no other one sees them.
// Thread-safe.
class AppCache {
 public:
  // `cache` outlives it, and the tasks of find() too. `app` is its name.
  AppCache(Cache& cache, std::string app);

  struct Options {
    Seconds fresh{0};
    Seconds stale{0};  // handed out for so long after that, as stale
    std::vector<std::string> tags;
    std::optional<std::string> metadata;
  };

  // One entry. Cheap to copy: it shares its bytes with the cache.
  struct Entry {
    std::optional<std::string_view> metadata;
    std::string_view body;
    Seconds age{0};
    bool stale = false;
    Block bytes;  // what the views point into
  };

  // From memory alone.
  std::optional<Entry> find_in_memory(std::string_view key) const;
  // Whether find() may find what is not in memory. Cheap.
  bool may_be_on_disk(std::string_view key) const;
  // From memory or disk.
  io::Task<std::optional<Entry>> find(std::string key) const;

  // In place of what was there. Errors: kResourceExhausted when it is larger than what the cache
  // takes.
  Result<> insert(std::string_view key, Options options, std::string_view body);
  void erase(std::string_view key);

  // The entries and responses of the application with a tag, as Cache::purge() does it. Blocks.
  void purge_tag(std::string tag, bool soft);

 private:
  std::string full_key(std::string_view key) const;

  Cache& cache_;
  Cache::Core& core_;
  const std::string app_;
};

}  // namespace cusp::edge::cache
