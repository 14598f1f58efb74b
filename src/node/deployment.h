#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/app.h"
#include "app/outbound.h"
#include "app/routes.h"
#include "app/variables.h"
#include "base/result.h"
#include "edge/cache/cache.h"
#include "edge/geo.h"
#include "edge/site.h"
#include "engine/component.h"
#include "host/capabilities.h"
#include "host/outbound_http.h"
#include "host/redis_address.h"
#include "node/admission.h"
#include "node/artifact_store.h"
#include "node/grants.h"
#include "store/stores.h"

namespace cusp::node {

// Below it, an app's components have names for each other (Spin's service chaining).
inline constexpr std::string_view kInternalDomain = ".spin.internal";
// The same for the queues that a component may send to (node/queue_endpoint.h).
inline constexpr std::string_view kQueueDomain = ".queue.internal";

// One component of an app, ready to run. Shared by the shards; immutable but for its counters.
struct DeployedComponent {
  app::Component manifest;
  std::string label;  // "app/component", for the log
  std::unique_ptr<engine::Component> component;
  std::shared_ptr<host::OutboundRules> outbound;  // shared with the requests under way
  host::Capabilities capabilities;
  std::unique_ptr<Admission> admission;
};

struct DeploymentOptions {
  std::vector<std::unique_ptr<app::VariableProvider>> providers;
  StoresElsewhere elsewhere;
  std::string secret;                    // edge::FeatureContext::secret
  std::shared_ptr<const edge::Geo> geo;  // shared with the shards; null: there is no database
  store::Stores* stores = nullptr;       // outlives the deployment
  edge::cache::Cache* cache = nullptr;   // outlives the deployment
  io::BlockingPool* blocking = nullptr;  // the same
  // Told what is going on, for a person: "compiling shop/api (2.7 MB)".
  std::function<void(const std::string& message)> progress = [](const std::string&) {};
};

// A [[trigger.redis]], its templates resolved.
struct RedisSubscription {
  host::RedisAddress address;
  std::shared_ptr<const app::OutboundPolicy> reachable;  // that server alone
  std::string channel;
  app::RedisTrigger trigger;
};

// One app as a node runs it: its components compiled and linked, its files staged, its variables
// resolved. Requests under way hold it; it is freed after the last of them.
class Deployment {
 public:
  // Blocks: for start-up and the blocking pool. `engine` outlives it. Errors: everything that can
  // be wrong with an app, each naming the place in the manifest.
  static Result<std::shared_ptr<const Deployment>> create(const engine::Engine& engine,
                                                          ArtifactStore& artifacts, app::App app,
                                                          const DeploymentOptions& options);
  ~Deployment();
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  const app::App& app() const { return app_; }
  const app::Router& router() const { return *router_; }
  // What the manifest says to the edge; null: nothing, it is not a cusp.toml.
  const edge::Site* site() const { return site_.get(); }
  // Every route's component is one of these.
  DeployedComponent* find(std::string_view id) const;
  const std::vector<std::unique_ptr<DeployedComponent>>& components() const { return components_; }
  // Whether a libSQL server has the app's database of that name, and not this node.
  bool elsewhere(const std::string& database) const { return elsewhere_.contains(database); }
  // One that some component may send to; null: there is none.
  store::queue::Queue* queue(std::string_view name) const;
  const std::vector<RedisSubscription>& redis_subscriptions() const { return subscriptions_; }

 private:
  Deployment() = default;
  void grant_edge(const DeploymentOptions& options);
  Result<> add(const engine::Engine& engine, ArtifactStore& artifacts,
               const app::Component& component, const DeploymentOptions& options);
  Result<> add_subscription(const app::RedisTrigger& trigger, const DeploymentOptions& options);

  app::App app_;
  host::Capabilities capabilities_;  // what every component has
  std::optional<app::Router> router_;
  std::unique_ptr<const edge::Site> site_;
  std::vector<std::unique_ptr<DeployedComponent>> components_;
  // By name; shared with the node's stores.
  std::map<std::string, std::shared_ptr<store::queue::Queue>, std::less<>> queues_;
  std::set<std::string> elsewhere_;
  std::vector<RedisSubscription> subscriptions_;
  std::vector<std::filesystem::path>
      staged_;  // folders of copies that guests see, removed at the end
};

}  // namespace cusp::node
