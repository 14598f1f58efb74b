#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "edge/exchange.h"
#include "edge/pipeline.h"
#include "engine/invocation.h"
#include "host/outbound_http.h"
#include "http/client_connect.h"
#include "http/message.h"
#include "io/event.h"
#include "node/app_table.h"
#include "node/error_page.h"
#include "node/instance_pool.h"

namespace cusp::node {

struct HandlerOptions {
  // Errors of guests show their message and stack trace in the response: for `cusp dev`, never in
  // production.
  bool show_errors = false;
};

// What a developer is told in place of the app.
struct Notice {
  explicit Notice(const Error& error) : text(error.to_string()), page(error_page(error)) {}
  std::string text;
  std::string page;  // HTML
};

// Finds what answers the requests of one shard: app by host, component (or whatever else) by route.
// Runs one invocation for each request to a component.
class AppHandler final : public edge::Router {
 public:
  // `shard` outlives it.
  AppHandler(edge::ShardContext& shard, const HandlerOptions& options);

  std::optional<http::Response> route(edge::Exchange& exchange) override;

  // Answers a request that no client has made, by `component` of `deployment`. `name` says who made
  // it, for the log.
  io::Task<http::Response> trigger(std::shared_ptr<const Deployment> deployment,
                                   const std::string& component, const std::string& name,
                                   http::Request& request);

  // What the requests from now on are answered with; those under way keep what they have.
  void set_apps(std::shared_ptr<const AppTable> apps) {
    apps_ = std::move(apps);
    pool_.clear();
  }

  // See Node::set_notice; null: none.
  void set_notice(std::shared_ptr<const Notice> notice) { notice_ = std::move(notice); }

  // Ends what still runs. The handler is asked for nothing afterwards.
  void stop() { parked_->cancel_all(engine::FailureKind::kShutdown); }

 private:
  class Run;
  class RouteOrigin;
  class LocalHandler;
  using DeploymentPtr = std::shared_ptr<const Deployment>;

  void route_in(edge::Exchange& exchange, DeploymentPtr deployment);
  io::Task<http::Response> run(http::Request& request, DeploymentPtr deployment,
                               const app::RouteMatch& match, DeployedComponent& component,
                               const edge::Client& client);
  using Answer = std::expected<http::Response, engine::Failure>;
  io::Task<Answer> run_handler(http::Request& request, std::unique_ptr<Run> host,
                               DeployedComponent& component);
  io::Task<Answer> run_command(http::Request& request, std::unique_ptr<Run> host,
                               const app::RouteMatch& match, DeployedComponent& component,
                               const edge::Client& client);
  static io::Task<void> watch_clients(io::Executor executor, std::weak_ptr<engine::Parked> parked);
  io::Task<bool> enter(DeployedComponent& component);
  http::Response failed(const DeployedComponent& component, const engine::Failure& failure) const;
  void leave(DeployedComponent& component);

  edge::ShardContext& shard_;
  const HandlerOptions options_;
  http::Connector connector_;             // for what guests reach other than by HTTP
  std::shared_ptr<const AppTable> apps_;  // shared with the other shards
  std::shared_ptr<const Notice> notice_;  // the same
  const std::shared_ptr<engine::Parked> parked_ = std::make_shared<engine::Parked>();
  InstancePool pool_;
  // Requests of this shard that wait for a place, first come first served.
  std::unordered_map<const Admission*, std::deque<io::Event*>> queues_;
};

}  // namespace cusp::node
