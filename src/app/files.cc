#include "app/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include "app/glob.h"

namespace cusp::app {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDepthMax = 64;  // of folders below a mount; a real tree has fewer

using Visit = std::function<Result<>(const fs::path& file)>;

std::unexpected<Error> unreadable(const fs::path& path, const std::error_code& status,
                                  const std::string& place) {
  return fail(ErrorCode::kUnavailable,
              fmt::format("cannot read '{}': {}", path.string(), status.message()), place);
}

// Whether `path` lies in `folder` or is it; both canonical.
bool is_inside(const fs::path& path, const fs::path& folder) {
  auto [folder_end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return folder_end == folder.end();
}

// Refuses a file that is, or lies behind, a symbolic link out of `root`.
Result<> check_inside(const fs::path& file, const fs::path& root, const std::string& place) {
  std::error_code status;
  fs::path target = fs::canonical(file, status);
  if (status) return unreadable(file, status, place);
  fs::path canonical_root = fs::canonical(root, status);
  if (status) return unreadable(root, status, place);
  if (is_inside(target, canonical_root)) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("'{}' is a link to '{}', outside of '{}'; copy the file there, or add it "
                          "to 'exclude_files'",
                          file.string(), target.string(), root.string()),
              place);
}

// Visits the regular files below `folder`, `depth` folders deep, names in order. Links to folders
// are not followed, as in Spin; links to files are.
Result<> walk(const fs::path& folder, size_t depth, const std::string& place, const Visit& visit) {
  std::error_code status;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator iterator(folder, status);
  for (; !status && iterator != fs::directory_iterator(); iterator.increment(status)) {
    entries.push_back(*iterator);
  }
  if (status) return unreadable(folder, status, place);
  std::ranges::sort(entries);
  for (const fs::directory_entry& entry : entries) {
    if (entry.is_directory(status) && !entry.is_symlink(status)) {
      if (depth == 0) continue;
      CUSP_CHECK(walk(entry.path(), depth - 1, place, visit));
    } else if (entry.is_regular_file(status)) {
      CUSP_CHECK(visit(entry.path()));
    }
  }
  return {};
}

Result<std::vector<Glob>> parse_excludes(const FileMount& mount) {
  std::vector<Glob> globs;
  for (const std::string& pattern : mount.exclude) {
    auto glob = Glob::create(pattern, Glob::Slash::kAny);
    if (!glob) return fail(glob.error().code, glob.error().message, mount.place);
    globs.push_back(std::move(*glob));
  }
  return globs;
}

bool is_excluded(const fs::path& file, const std::string& directory,
                 const std::vector<Glob>& excludes) {
  std::string relative = file.lexically_relative(directory).string();
  return std::ranges::any_of(excludes, [&](const Glob& glob) { return glob.matches(relative); });
}

Result<> check_count(size_t count, const std::string& place) {
  if (count <= kGuestFilesMax) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("'files' shows more than {} files", kGuestFilesMax), place);
}

// How deep a pattern can match below its first segment with a wildcard, and the folder before that.
struct Reach {
  fs::path folder;
  size_t depth = 0;
};
Reach reach_of(const fs::path& directory, const fs::path& pattern) {
  Reach reach{directory};
  bool is_fixed = true;
  for (const fs::path& segment : pattern) {
    is_fixed &= !Glob::is_pattern(segment.string());
    if (segment == "**") return {reach.folder, kDepthMax};
    if (is_fixed) {
      reach.folder /= segment;
    } else {
      ++reach.depth;
    }
  }
  if (reach.depth > 0) --reach.depth;  // the last segment names files
  return reach;
}

Result<> expand_pattern(const FileMount& mount, const fs::path& pattern, App& app,
                        std::vector<FileMount>& expanded) {
  CUSP_TRY(auto excludes, parse_excludes(mount));
  auto glob = Glob::create(pattern.string(), Glob::Slash::kOnlyLiteral);
  if (!glob) return fail(glob.error().code, glob.error().message, mount.place);
  Reach reach = reach_of(app.directory, pattern);
  size_t before = expanded.size();
  Visit visit = [&](const fs::path& file) -> Result<> {
    std::string relative = file.lexically_relative(app.directory).string();
    if (!glob->matches(relative) || is_excluded(file, app.directory, excludes)) return {};
    CUSP_CHECK(check_inside(file, app.directory, mount.place));
    expanded.push_back(
        {.source = file.string(), .destination = "/" + relative, .place = mount.place});
    return check_count(expanded.size(), mount.place);
  };
  std::error_code status;
  if (fs::is_directory(reach.folder, status)) {
    CUSP_CHECK(walk(reach.folder, reach.depth, mount.place, visit));
  }
  if (expanded.size() == before) {
    app.warnings.push_back(
        fmt::format("{}: the pattern '{}' matches no file", mount.place, mount.source));
  }
  return {};
}

// A mount that has only a path or a pattern.
Result<> expand_plain(const FileMount& mount, App& app, std::vector<FileMount>& expanded) {
  const std::string& text = mount.source;
  if (text.empty() || text == "." || text == ".." || text.ends_with("/.") ||
      text.ends_with("/..")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' cannot be shown as it is; write {{ source = \"…\", destination = "
                            "\"/\" }}, or a pattern that ends in **/*",
                            text),
                mount.place);
  }
  fs::path relative = fs::path(text).lexically_normal();
  if (relative.is_absolute() || *relative.begin() == "..") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' lies outside of the app's folder; write {{ source = \"…\", "
                            "destination = \"…\" }}",
                            text),
                mount.place);
  }
  if (!relative.has_filename()) relative = relative.parent_path();
  fs::path path = fs::path(app.directory) / relative;
  std::error_code status;
  if (fs::exists(path, status)) {
    expanded.push_back({.source = path.string(),
                        .destination = "/" + relative.string(),
                        .exclude = mount.exclude,
                        .place = mount.place});
    return {};
  }
  if (Glob::is_pattern(text)) return expand_pattern(mount, relative, app, expanded);
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no file or folder '{}', and it is no pattern", text),
              mount.place);
}

Result<> check_mount(const FileMount& mount) {
  CUSP_CHECK(parse_excludes(mount));
  std::error_code status;
  fs::file_status kind = fs::status(mount.source, status);
  if (!fs::is_directory(kind) && !fs::is_regular_file(kind)) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no file or folder '{}'", mount.source),
                mount.place);
  }
  if (fs::is_regular_file(kind) && mount.destination.ends_with('/')) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the destination '{}' of a file must be a file name", mount.destination),
        mount.place);
  }
  return {};
}

// What one mount shows: destination → source.
Result<> list_mount(const FileMount& mount, const std::string& directory,
                    std::map<std::string, std::string>& files) {
  CUSP_CHECK(check_mount(mount));
  fs::path source(mount.source), destination(mount.destination);
  std::error_code status;
  if (fs::is_regular_file(source, status)) {
    bool is_in_app = is_inside(source, directory);
    fs::path root = is_in_app ? fs::path(directory) : source.parent_path();
    CUSP_CHECK(check_inside(source, root, mount.place));
    files.insert_or_assign(destination.lexically_normal().string(), mount.source);
    return check_count(files.size(), mount.place);
  }
  CUSP_TRY(auto excludes, parse_excludes(mount));
  return walk(source, kDepthMax, mount.place, [&](const fs::path& file) -> Result<> {
    if (is_excluded(file, directory, excludes)) return {};
    CUSP_CHECK(check_inside(file, source, mount.place));
    fs::path shown = destination / file.lexically_relative(source);
    files.insert_or_assign(shown.lexically_normal().string(), file.string());
    return check_count(files.size(), mount.place);
  });
}

}  // namespace

Result<> expand_files(App& app) {
  for (Component& component : app.components) {
    std::vector<FileMount> expanded;
    for (FileMount& mount : component.files) {
      if (mount.destination.empty()) {
        CUSP_CHECK(expand_plain(mount, app, expanded));
      } else {
        CUSP_CHECK(check_mount(mount));
        expanded.push_back(std::move(mount));
      }
    }
    component.files = std::move(expanded);
  }
  return {};
}

Result<std::vector<GuestFile>> list_guest_files(const Component& component,
                                                const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const FileMount& mount : component.files) CUSP_CHECK(list_mount(mount, directory, files));
  std::vector<GuestFile> result;
  result.reserve(files.size());
  for (auto& [destination, source] : files) result.push_back({source, destination});
  return result;
}

Result<> stage_guest_files(const Component& component, const std::string& directory,
                           const std::string& target) {
  CUSP_TRY(auto files, list_guest_files(component, directory));
  std::error_code status;
  fs::create_directories(target, status);
  if (status) return unreadable(target, status, component.place);
  fs::path last_folder;
  for (const GuestFile& file : files) {
    fs::path copy = fs::path(target) / fs::path(file.destination).relative_path();
    if (copy.parent_path() != last_folder) {
      last_folder = copy.parent_path();
      fs::create_directories(last_folder, status);
    }
    if (!status) fs::copy_file(file.source, copy, status);
    if (status) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("cannot show '{}' as '{}': {}", file.source, file.destination,
                              status.message()),
                  component.place);
    }
  }
  return {};
}

}  // namespace cusp::app
