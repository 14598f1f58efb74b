#pragma once

#include <string>

#include "base/result.h"

namespace cusp::store {

// Makes a folder, and those it lies in, that are still there after a crash: each one's parent knows
// of it on disk. `path` is absolute. Blocks. Errors: kPermissionDenied.
Result<> make_folder(const std::string& path);

// What was made, renamed or removed in the folder is so after a crash. Blocks. Errors:
// kUnavailable.
Result<> sync_folder(const std::string& path);

}  // namespace cusp::store
