#include "node/node_edge.h"

#include <cstdlib>
#include <filesystem>

#include "edge/geo_database.h"
#include "node/places.h"

namespace cusp::node {

namespace {

namespace fs = std::filesystem;

Result<std::shared_ptr<const edge::Geo>> open_node_geo(const NodeOptions& options) {
  const edge::GeoFiles files =
      options.geo.empty() ? default_geo_files(options.state_directory) : options.geo;
  std::shared_ptr<const edge::Geo> geo;
  if (!files.empty()) {
    CUSP_TRY(geo, edge::open_geo(files));
  }
  if (options.from.empty()) return geo;
  CUSP_TRY(edge::Place place, find_place(options.from, geo.get()));
  return edge::make_fixed_geo(std::move(place));
}

}  // namespace

edge::GeoFiles default_geo_files(const std::string& state_directory) {
  const char* named = std::getenv("CUSP_GEO_DIRECTORY");
  const fs::path folder =
      named != nullptr && *named != '\0' ? fs::path(named) : fs::path(state_directory) / "geo";
  const auto file = [&](const char* name) {
    std::error_code error;
    return fs::exists(folder / name, error) ? (folder / name).string() : std::string();
  };
  return {.country = file("country.mmdb"), .city = file("city.mmdb"), .asn = file("asn.mmdb")};
}

Result<NodeEdge> read_node_edge(const NodeOptions& options, edge::FeatureContext context) {
  NodeEdge node;
  CUSP_TRY(node.geo, open_node_geo(options));
  context.connections = &node.connections;
  std::vector<edge::Plan::Entry> none;
  node.plan = std::make_shared<const edge::Plan>(std::move(none));
  if (!options.document) return node;
  TomlFile& document = *options.document;
  context.directory = fs::absolute(document.diagnostics().file()).parent_path().string();
  if (auto table = document.root().table("edge")) {
    edge::PlanReader reader(std::move(context));
    reader.read_defaults(std::move(*table));
    CUSP_CHECK(document.diagnostics().result());
    node.plan = std::make_shared<const edge::Plan>(reader.read_route(std::nullopt));
  }
  return node;
}

Result<> check_node_edge(const NodeOptions& options) {
  CUSP_TRY(const auto cache, edge::cache::Cache::open({}));
  CUSP_TRY(const NodeEdge ignored, read_node_edge(options, {.cache = cache.get()}));
  return {};
}

}  // namespace cusp::node
