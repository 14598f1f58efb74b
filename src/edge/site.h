#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/table_reader.h"
#include "edge/plan.h"
#include "edge/upstream/upstream.h"

namespace cusp::edge {

// What the manifest of one application says to the edge: [edge], [upstream.NAME] and, for each
// [[route]], its edge table and the upstream that it leads to. Immutable, shared by all shards.
class Site {
 public:
  // Reads those tables; the rest of the document is not looked at. `context` as for features.
  // Errors: kInvalidArgument with "file:line:column" as context, what was expected and the nearest
  // known key.
  static Result<std::unique_ptr<const Site>> read(TomlFile& manifest,
                                                  const FeatureContext& context);

  // Begins with the health checks of its upstreams, from this shard; they end with the site.
  void watch(ShardContext& shard) const;

  // By the position of the [[route]] in the manifest. Null: the route has no features.
  const Plan* plan(size_t route) const;
  // Null: the route leads to something that the edge does not know, such as a component.
  const Upstream* upstream(size_t route) const;

 private:
  struct Route {
    std::unique_ptr<Plan> plan;
    std::shared_ptr<const Upstream> upstream;  // shared with other routes
  };
  std::vector<Route> routes_;
};

}  // namespace cusp::edge
