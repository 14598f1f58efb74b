#pragma once

#include <string>

#include "base/result.h"

namespace cusp::node {

// The bytes behind `url` (http or https, at most five redirects, limits::kBundleBytesMax), whose
// SHA-256 must be `digest` ("sha256:<64 hex>"). They are kept in `directory` under their digest: a
// second call asks no server. Blocks; not for a shard. Errors: kUnavailable when the server does
// not give them, kDataLoss when they are not what the digest says, kInvalidArgument for a malformed
// URL, each naming the URL.
Result<std::string> download(const std::string& url, const std::string& digest,
                             const std::string& directory);

}  // namespace cusp::node
