#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "engine/invocation.h"
#include "host/outbound_http.h"
#include "http/client.h"
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

// Answers the requests of one shard: app by host, component by route, and one invocation for each
// request.
class AppHandler final : public http::Handler {
 public:
  AppHandler(io::Executor executor, const HandlerOptions& options);

  io::Task<http::Response> respond(http::Request& request) override;

  // What the requests from now on are answered with; those under way keep what they have.
  void set_apps(std::shared_ptr<const AppTable> apps) {
    apps_ = std::move(apps);
    pool_.clear();
  }

  // See Node::set_notice; null: none.
  void set_notice(std::shared_ptr<const Notice> notice) { notice_ = std::move(notice); }

  // Ends what still runs. The handler is asked for nothing afterwards.
  void stop() { parked_.cancel_all(engine::FailureKind::kShutdown); }

 private:
  class Run;
  class LocalHandler;

  io::Task<http::Response> route(http::Request& request,
                                 std::shared_ptr<const Deployment> deployment);
  io::Task<http::Response> run(http::Request& request, std::shared_ptr<const Deployment> deployment,
                               const app::RouteMatch& match, DeployedComponent& component);
  using Answer = std::expected<http::Response, engine::Failure>;
  io::Task<Answer> run_handler(http::Request& request, std::shared_ptr<const Deployment> deployment,
                               const app::RouteMatch& match, DeployedComponent& component);
  io::Task<Answer> run_command(http::Request& request, std::shared_ptr<const Deployment> deployment,
                               const app::RouteMatch& match, DeployedComponent& component);
  io::Task<bool> enter(DeployedComponent& component);
  http::Response failed(const DeployedComponent& component, const engine::Failure& failure) const;
  void leave(DeployedComponent& component);

  io::Executor executor_;
  const HandlerOptions options_;
  std::unique_ptr<http::Client> client_;
  std::shared_ptr<const AppTable> apps_;  // shared with the other shards
  std::shared_ptr<const Notice> notice_;  // the same
  engine::Parked parked_;
  InstancePool pool_;
  // Requests of this shard that wait for a place, first come first served.
  std::unordered_map<const Admission*, std::deque<io::Event*>> queues_;
};

}  // namespace cusp::node
