#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"

namespace cusp::cli {

// Which files changed, from inotify(7). Not thread-safe.
class Watcher {
 public:
  struct Changes {
    std::set<std::string> paths;  // absolute: written, made, renamed or removed
    bool lost = false;  // there were more than the kernel keeps: anything may have changed
  };

  // Errors: kUnavailable when this user has too many watchers.
  static Result<std::unique_ptr<Watcher>> create();
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Watches the folder of a file, or a folder, both absolute; with `recursive` every folder below
  // too, also those made later, but not those that builds and tools fill (target, node_modules,
  // .git …). What is not there is watched from its nearest folder that is: its making is a change.
  // Errors: kResourceExhausted when the kernel watches no more for this user.
  Result<> add(const std::string& path, bool recursive);

  // For poll(2).
  int descriptor() const { return descriptor_; }

  // What changed since the last call. Does not wait.
  Changes take();

 private:
  struct Watched {
    std::string folder;
    bool recursive = false;
  };
  explicit Watcher(int descriptor) : descriptor_(descriptor) {}
  Result<> add_folder(const std::string& folder, bool recursive);
  Result<> add_tree(const std::string& folder, Changes* found);

  const int descriptor_;
  std::map<int, Watched> watched_;  // by watch descriptor
};

}  // namespace cusp::cli
