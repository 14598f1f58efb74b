#pragma once

#include <string>

#include "base/result.h"

// Secrets of this node, in files that this user alone may read. Each is made when its file is
// missing; of several processes that make it at once, one wins. Errors: those of the file, and
// kUnavailable without random numbers.
namespace cusp::node {

// Random bytes.
Result<std::string> load_secret(const std::string& path, size_t bytes);

// 256 random bits in hexadecimal, for people to copy.
Result<std::string> load_token(const std::string& path);

}  // namespace cusp::node
