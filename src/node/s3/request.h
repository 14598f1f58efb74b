#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "node/s3/failure.h"

namespace cusp::node::s3 {

// A query's names and values, decoded, in the order of the names. A name without "=" has the
// value "".
using Query = std::vector<std::pair<std::string, std::string>>;

// Where a request goes. A value type.
struct Target {
  std::string path;    // decoded, as a whole
  std::string bucket;  // "": none
  std::string key;     // "": none
  Query query;         // sorted

  bool has(std::string_view name) const { return find(name) != nullptr; }
  const std::string* find(std::string_view name) const;  // null: not there
  std::string_view get(std::string_view name) const;     // "": not there
};

// Reads path-style targets ("/BUCKET/KEY"); with a `domain`, also virtual-host style ones (an
// authority "BUCKET.DOMAIN"). Failures: InvalidURI (a broken escape), InvalidArgument.
Answer<Target> parse_target(const http::Request& request, std::string_view domain);

// As Signature Version 4 wants names and values: all but unreserved characters escaped, in upper
// case; a path keeps its slashes.
std::string uri_encode(std::string_view text, bool keep_slashes = false);
// The other way. Failures: InvalidURI (a broken escape).
Answer<std::string> uri_decode(std::string_view text);

}  // namespace cusp::node::s3
