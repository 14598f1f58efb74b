#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Whole files. Blocking: for start-up, tools and the blocking pool, never for a shard.
namespace cusp {

// Errors: kNotFound, kPermissionDenied, kUnavailable, each with the path as context.
Result<std::string> read_file(const std::string& path);

// Replaces the file in one step: a reader sees the old or the new bytes, also after a crash. `mode`
// as in open(2).
Result<> write_file(const std::string& path, std::string_view data, unsigned mode = 0644);

}  // namespace cusp
