#include "edge/site.h"

#include <set>

#include <fmt/format.h>

#include "base/suggest.h"

namespace cusp::edge {

namespace {

using Upstreams = std::map<std::string, std::shared_ptr<const Upstream>>;

Upstreams read_upstreams(TableReader& root, const std::string& directory) {
  Upstreams upstreams;
  auto tables = root.table("upstream");
  if (!tables) return upstreams;
  for (const auto& entry : tables->entries()) {
    upstreams.emplace(entry.key, read_upstream(entry.key, entry.value, directory));
  }
  return upstreams;
}

// The upstream of a route: the name of one, or a URL.
std::shared_ptr<const Upstream> find_upstream(const Value& value, const Upstreams& upstreams,
                                              const std::string& directory) {
  const std::string name = value.string().value_or("");
  if (name.find("://") != name.npos) return read_upstream(name, value, directory);
  const auto found = upstreams.find(name);
  if (found != upstreams.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, _] : upstreams) names.push_back(known);
  value.error(fmt::format("there is no [upstream.{}]{}", name, suggest(name, names)));
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<const Site>> Site::read(TomlFile& manifest, const FeatureContext& context) {
  TableReader root = manifest.root();
  auto site = std::make_unique<Site>();
  PlanReader plans(context);
  if (const auto defaults = root.table("edge")) plans.read_defaults(*defaults);
  const Upstreams upstreams = read_upstreams(root, context.directory);
  for (TableReader& table : root.tables("route")) {
    Route& route = site->routes_.emplace_back();
    auto plan = std::make_unique<Plan>(plans.read_route(table.table("edge")));
    if (!plan->empty()) route.plan = std::move(plan);
    if (const auto value = table.value("upstream")) {
      route.upstream = find_upstream(*value, upstreams, context.directory);
    }
    if (const auto value = table.value("assets")) route.assets = read_assets(*value, context);
  }
  // An application of one component may leave its route out.
  if (site->routes_.empty()) {
    auto plan = std::make_unique<Plan>(plans.read_route(std::nullopt));
    if (!plan->empty()) site->routes_.emplace_back().plan = std::move(plan);
  }
  CUSP_CHECK(manifest.diagnostics().result());
  return site;
}

void Site::watch(ShardContext& shard) const {
  std::set<const Upstream*> watched;
  for (const Route& route : routes_) {
    if (route.upstream && watched.insert(route.upstream.get()).second) {
      route.upstream->watch(shard);
    }
  }
}

const Plan* Site::plan(size_t route) const {
  return route < routes_.size() ? routes_[route].plan.get() : nullptr;
}

std::shared_ptr<Origin> Site::origin(size_t route, const Exchange& exchange,
                                     std::string_view below) const {
  if (route >= routes_.size()) return nullptr;
  if (const auto& upstream = routes_[route].upstream) return upstream->origin(exchange);
  if (const auto& assets = routes_[route].assets) return assets->origin(exchange, below);
  return nullptr;
}

std::string Site::target(size_t route) const {
  if (route >= routes_.size()) return "";
  if (const auto& upstream = routes_[route].upstream) {
    return fmt::format("upstream '{}'", upstream->options().name);
  }
  if (const auto& assets = routes_[route].assets) return "the files of " + assets->root();
  return "";
}

}  // namespace cusp::edge
