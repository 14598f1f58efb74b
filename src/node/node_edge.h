#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "edge/feature.h"
#include "edge/geo.h"
#include "edge/limits/connections.h"
#include "edge/plan.h"
#include "node/node.h"

namespace cusp::node {

// What a node does to the requests of all its applications.
struct NodeEdge {
  std::shared_ptr<const edge::Plan> plan;  // shared with the shards
  edge::ConnectionPolicy connections;
  std::shared_ptr<const edge::Geo> geo;  // the same; null: there is no database
};

// Reads the [edge] of the node's configuration, and opens its databases. `context` has what the
// features of a node may use. Errors: kInvalidArgument with the place, those of the databases, and
// those of find_place().
Result<NodeEdge> read_node_edge(const NodeOptions& options, edge::FeatureContext context);

// Reads it for nothing but its errors.
Result<> check_node_edge(const NodeOptions& options);

// The databases that a node uses when its configuration names none: country.mmdb, city.mmdb and
// asn.mmdb, as far as they are there, in the folder $CUSP_GEO_DIRECTORY, or else "geo" below the
// state folder.
edge::GeoFiles default_geo_files(const std::string& state_directory);

}  // namespace cusp::node
