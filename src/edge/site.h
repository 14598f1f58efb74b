#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/table_reader.h"
#include "edge/assets/assets.h"
#include "edge/plan.h"
#include "edge/upstream/upstream.h"

namespace cusp::edge {

// What the manifest of one application says to the edge: [edge], [upstream.NAME] and, for each
// [[route]], its edge table and the upstream or the assets that it leads to. Immutable, shared by
// all shards.
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
  // `below` is what the route's "/..." stands for.
  std::shared_ptr<Origin> origin(size_t route, const Exchange& exchange,
                                 std::string_view below) const;
  // The same for people: "upstream 'api'"; empty for null.
  std::string target(size_t route) const;

 private:
  struct Route {
    std::unique_ptr<Plan> plan;
    std::shared_ptr<const Upstream> upstream;  // shared with other routes
    std::shared_ptr<const Assets> assets;      // shared with the exchanges that it answers
  };
  std::vector<Route> routes_;
};

}  // namespace cusp::edge
