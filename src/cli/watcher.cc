#include "cli/watcher.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

// Folders that tools fill; a pattern that begins in one of them is watched all the same.
bool is_tool_folder(const fs::path& folder) {
  static constexpr std::array<std::string_view, 8> kNames = {
      ".git", ".hg", ".cusp", ".spin", "target", "node_modules", "build", "__pycache__"};
  return std::ranges::find(kNames, folder.filename().string()) != kNames.end();
}

fs::path nearest_folder(fs::path path) {
  std::error_code ignored;
  while (path.has_relative_path() && !fs::is_directory(path, ignored)) path = path.parent_path();
  return path;
}

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::create() {
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot watch files: {}; raise fs.inotify.max_user_instances with "
                            "sysctl",
                            std::strerror(errno)));
  }
  return std::unique_ptr<Watcher>(new Watcher(descriptor));
}

Watcher::~Watcher() { ::close(descriptor_); }

Result<> Watcher::add(const std::string& path, bool recursive) {
  const fs::path wanted = fs::path(path).lexically_normal();
  const fs::path folder = nearest_folder(wanted);
  // A folder that is itself removed and made again is seen in its parent.
  if (folder == wanted && wanted.has_relative_path())
    CUSP_CHECK(add_folder(wanted.parent_path().string(), false));
  if (folder == wanted && recursive) return add_tree(folder.string(), nullptr);
  return add_folder(folder.string(), false);
}

Result<> Watcher::add_folder(const std::string& folder, bool recursive) {
  const int watch = ::inotify_add_watch(descriptor_, folder.c_str(), kEvents | IN_ONLYDIR);
  if (watch >= 0) {
    Watched& watched = watched_[watch];
    watched.folder = folder;
    watched.recursive |= recursive;
    return {};
  }
  // Gone since it was listed, or never to be read: then nothing in it is served either.
  if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("cannot watch it: {}; raise fs.inotify.max_user_watches with sysctl",
                          std::strerror(errno)),
              folder);
}

// With `found`, the files that are there already count as changes: they may be older than the
// watch.
Result<> Watcher::add_tree(const std::string& folder, Changes* found) {
  CUSP_CHECK(add_folder(folder, true));
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored) || entry->is_symlink(ignored)) {
      if (found != nullptr) found->paths.insert(entry->path().string());
    } else if (is_tool_folder(entry->path())) {
      entry.disable_recursion_pending();
    } else {
      CUSP_CHECK(add_folder(entry->path().string(), true));
    }
  }
  return {};
}

Watcher::Changes Watcher::take() {
  Changes changes;
  alignas(inotify_event) char buffer[16 * 1024];
  ssize_t size;
  while ((size = ::read(descriptor_, buffer, sizeof(buffer))) > 0) {
    for (const char* at = buffer; at < buffer + size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) changes.lost = true;
      const auto watched = watched_.find(event.wd);
      if (watched == watched_.end()) continue;
      if ((event.mask & IN_IGNORED) != 0) {  // the folder is gone
        watched_.erase(watched);
        continue;
      }
      if (event.len == 0) continue;
      const fs::path path = fs::path(watched->second.folder) / event.name;
      changes.paths.insert(path.string());
      const bool new_folder =
          (event.mask & IN_ISDIR) != 0 && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
      // Without a watch on the new folder its later changes go unseen, and that is all.
      if (new_folder && watched->second.recursive && !is_tool_folder(path))
        (void)add_tree(path.string(), &changes);
    }
  }
  return changes;
}

}  // namespace cusp::cli
