#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/app.h"

namespace cusp::app {

// The result of matching one request path.
struct RouteMatch {
  const Route* route = nullptr;
  // Values of ":param" segments, in order, percent-decoding untouched.
  std::vector<std::pair<std::string, std::string>> params;
  // What "/..." swallowed: "" or "/rest/of/path" (the spin-path-info header).
  std::string path_info;
};

// Finds the route of a path. Spin's rules: segment by segment from the left, literal text beats
// literal text with ":param"s between dots ("report.:year.:format"), which beats ":param", which
// beats "/..."; so the longest literal prefix wins. Slashes at both ends of a path make no
// difference, "/..." matches its prefix too, "/*" is another way to write it, upper and lower case
// differ, and percent-encoding is left alone. Private routes never match. Immutable and
// thread-safe; refers to the routes it was built from, which must outlive it. What a guest is told
// of its match stands in spin_headers.h.
class Router {
 public:
  // Errors: kInvalidArgument for a malformed pattern or two routes of the same shape, naming both
  // places.
  static Result<Router> create(const std::vector<Route>& routes);

  // `path` is the target without its query. Nothing matched: nullopt.
  std::optional<RouteMatch> match(std::string_view path) const;

 private:
  struct Node;
  std::shared_ptr<const Node> root_;  // shared: a Router is copied to each shard, the tree is not
};

}  // namespace cusp::app
