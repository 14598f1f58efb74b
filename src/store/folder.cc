#include "store/folder.h"

#include <fcntl.h>

#include <filesystem>

#include "base/descriptor.h"

namespace cusp::store {

namespace fs = std::filesystem;

Result<> make_folder(const std::string& path) {
  const fs::path folder = path;
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  if (folder.has_parent_path()) CUSP_CHECK(make_folder(folder.parent_path()));
  fs::create_directory(folder, error);
  if (error || !sync_folder(folder.parent_path())) {
    return fail(ErrorCode::kPermissionDenied, "cannot make the folder of the stores", folder);
  }
  return {};
}

Result<> sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder < 0 || ::fsync(folder) != 0) {
    return fail(ErrorCode::kUnavailable, "cannot write the folder to disk", path);
  }
  return {};
}

}  // namespace cusp::store
