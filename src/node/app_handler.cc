#include "node/app_handler.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/spin_headers.h"
#include "base/log.h"
#include "edge/limits/load.h"
#include "edge/negotiation.h"
#include "host/cgi.h"
#include "host/guest_log.h"
#include "io/asio.h"
#include "node/queue_endpoint.h"

namespace cusp::node {

namespace {

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

http::Response plain(uint16_t status, std::string_view text) {
  return http::text_response(status, std::string(text) + "\n");
}

engine::InvocationLimits bounds(const DeployedComponent& component) {
  const app::Limits& limits = component.manifest.limits;
  return {.cpu_time_max = limits.cpu_time_max, .wall_time_max = limits.wall_time_max};
}

http::Response too_large(const DeployedComponent& component, const app::Route& route) {
  log::warn("[{}] body-limit on {}: more than {} bytes", component.label, route.pattern,
            component.manifest.limits.body_bytes_max);
  return plain(413, "Content Too Large");
}

http::Response page_of(const Notice& notice) {
  http::Response response{.status = 503};
  response.fields.add("content-type", "text/html; charset=utf-8");
  response.fields.add("cache-control", "no-store");
  response.body = http::make_body(notice.page);
  return response;
}

http::Response static_response(const app::StaticResponse& source) {
  http::Response response{.status = source.status};
  for (const auto& [name, value] : source.headers) response.fields.add(name, value);
  if (!source.body.empty()) response.body = http::make_body(source.body);
  return response;
}

std::string address_and_port(const edge::Client& client) {
  const bool v4 = client.address.find(':') == client.address.npos;
  return fmt::format(fmt::runtime(v4 ? "{}:{}" : "[{}]:{}"), client.address, client.port);
}

// A request's body up to its app's limit. `exceeded` outlives the body's readers.
class LimitedBody final : public http::Body {
 public:
  LimitedBody(std::unique_ptr<http::Body> body, uint64_t bytes_max, std::shared_ptr<bool> exceeded)
      : body_(std::move(body)), left_(bytes_max), exceeded_(std::move(exceeded)) {}

  io::Task<Result<http::BodyPart>> read() override { co_return checked(co_await body_->read()); }
  std::optional<Result<http::BodyPart>> try_read() override {
    auto part = body_->try_read();
    if (part) part = checked(std::move(*part));
    return part;
  }
  bool ready() override { return body_->ready(); }
  std::optional<uint64_t> size() const override { return body_->size(); }

 private:
  Result<http::BodyPart> checked(Result<http::BodyPart> part) {
    if (!part) return part;
    const size_t size = part->bytes().size();
    if (size > left_) {
      *exceeded_ = true;
      return fail(ErrorCode::kResourceExhausted, "the body is larger than the app's limit");
    }
    left_ -= size;
    return part;
  }

  std::unique_ptr<http::Body> body_;
  uint64_t left_;
  std::shared_ptr<bool> exceeded_;  // shared: a guest may read on after its response
};

// Bare components get the request as it came; those of an app see where they are mounted, as Spin
// tells it.
void add_spin_headers(http::Request& request, const app::RouteMatch& match,
                      const edge::Client& client) {
  std::vector<std::string> forged;
  for (const auto [name, value] : request.fields) {
    if (app::is_spin_header(name)) forged.emplace_back(name);
  }
  for (const auto& name : forged) request.fields.remove(name);
  for (const auto& [name, value] : app::spin_headers(match, request.scheme, request.authority,
                                                     request.target, address_and_port(client))) {
    request.fields.add(name, value);
  }
}

// What only triggers say: a client that says it is not believed.
void remove_trigger_fields(edge::Exchange& exchange) {
  for (const std::string_view name :
       {"cusp-queue", "cusp-message-id", "cusp-delivery-count", "cusp-message-sent", "cusp-cron",
        "cusp-scheduled-time", "cusp-scheduled-timestamp", "cusp-redis-channel"}) {
    exchange.request.fields.remove(name);
  }
}

}  // namespace

// What a route of an app leads to: a component, or a response that never changes.
class AppHandler::RouteOrigin final : public edge::Origin {
 public:
  RouteOrigin(AppHandler& handler, DeploymentPtr deployment, app::RouteMatch match,
              edge::Client client)
      : handler_(handler),
        deployment_(std::move(deployment)),
        match_(std::move(match)),
        client_(std::move(client)) {}

  io::Task<http::Response> fetch(http::Request& request) override {
    const app::Route& route = *match_.route;
    if (route.static_response) co_return static_response(*route.static_response);
    co_return co_await handler_.run(request, deployment_, match_,
                                    *deployment_->find(route.component), client_);
  }

 private:
  AppHandler& handler_;
  const DeploymentPtr deployment_;  // shared: the match points into it
  const app::RouteMatch match_;
  const edge::Client client_;
};

// Answers an app's requests to itself: "self" goes by the routes, "name.spin.internal" to that
// component, which needs no route of its own. They have passed the edge once already.
class AppHandler::LocalHandler final : public http::Handler {
 public:
  LocalHandler(AppHandler& handler, DeploymentPtr deployment, edge::Client client)
      : handler_(handler), deployment_(std::move(deployment)), client_(std::move(client)) {}

  io::Task<http::Response> respond(http::Request& request) override {
    std::string_view name = request.authority;
    if (name.ends_with(kQueueDomain)) {
      name.remove_suffix(kQueueDomain.size());
      auto* queue = deployment_->queue(name);
      if (queue == nullptr) co_return plain(404, "The application has no queue of that name.");
      co_return co_await send_to_queue(request, *queue, request.target);
    }
    if (!name.ends_with(kInternalDomain)) {
      edge::Exchange exchange(request, handler_.shard_);
      exchange.client = client_;
      handler_.route_in(exchange, deployment_);
      if (!exchange.origin) co_return plain(404, "Not Found");
      co_return co_await exchange.origin->fetch(request);
    }
    name.remove_suffix(kInternalDomain.size());
    for (const app::Route& route : deployment_->app().routes) {
      if (route.component != name) continue;
      const app::RouteMatch match{.route = &route,
                                  .path_info = std::string(path_of(request.target))};
      co_return co_await handler_.run(request, deployment_, match, *deployment_->find(name),
                                      client_);
    }
    co_return plain(404, "The application has no component of that name.");
  }

 private:
  AppHandler& handler_;
  DeploymentPtr deployment_;  // shared with the invocation that asks
  edge::Client client_;       // whose request made the app ask
};

// One invocation as the node sees it: its log, its outbound requests, its calls of capabilities,
// its place in the component's limit.
class AppHandler::Run final : public engine::InvocationHost {
 public:
  Run(AppHandler& handler, DeploymentPtr deployment, DeployedComponent& component,
      std::string route, const edge::Client& client)
      : handler_(handler),
        deployment_(std::move(deployment)),
        component_(component),
        route_(std::move(route)),
        client_(client) {}

  void keep(std::weak_ptr<engine::Invocation> invocation, uint32_t served) {
    invocation_ = std::move(invocation);
    served_ = served;
  }

  void output(engine::Stdio stream, std::string_view data) override {
    if (!log_) log_.emplace(component_.label);
    log_->write(stream, data);
  }

  void outbound(std::unique_ptr<engine::Outbound> outbound) override {
    if (!calls_) {
      calls_.emplace(handler_.shard_.executor, handler_.shard_.client,
                     std::make_shared<LocalHandler>(handler_, deployment_, client_),
                     component_.outbound);
    }
    calls_->send(std::move(outbound));
  }

  void call(const engine::Arguments& arguments, engine::Call call) override {
    component_.capabilities.call(arguments,
                                 {.executor = handler_.shard_.executor,
                                  .client = client_.address,
                                  .scope = scope_,
                                  .connector = &handler_.connector_,
                                  .http_client = &handler_.shard_.client},
                                 std::move(call));
  }

  std::optional<std::chrono::nanoseconds> patience() const override {
    return component_.admission->patience();
  }

  void ended(const engine::Report& report) override {
    if (report.failure) {
      const auto milliseconds = [](auto time) {
        return std::chrono::duration<double, std::milli>(time).count();
      };
      log::warn("[{}] {} on {}: {} (CPU {:.1f} ms, wall {:.1f} ms, memory {:.1f} MiB)",
                component_.label, engine::to_string(report.failure->kind), route_,
                report.failure->cause(), milliseconds(report.cpu_time),
                milliseconds(report.wall_time),
                static_cast<double>(report.memory_peak_bytes) / limits::kMiB);
      log::debug("[{}] {}", component_.label, report.failure->message);
      calls_.reset();
    } else if (served_ > 0) {
      if (const auto invocation = invocation_.lock()) {
        handler_.pool_.give(component_,
                            {.instance = invocation->take_instance(), .served = served_});
      }
    }
    handler_.leave(component_);
  }

 private:
  AppHandler& handler_;
  DeploymentPtr deployment_;  // shared: the component lives as long as its last run
  DeployedComponent& component_;
  std::string route_;
  const edge::Client client_;
  host::Scope scope_;
  std::weak_ptr<engine::Invocation> invocation_;
  uint32_t served_ = 0;  // by its instance, this run included; 0: the instance is not kept
  std::optional<host::GuestLog> log_;
  std::optional<host::OutboundCalls> calls_;
};

AppHandler::AppHandler(edge::ShardContext& shard, const HandlerOptions& options)
    : shard_(shard), options_(options), connector_(shard.executor) {
  io::asio::co_spawn(shard.executor, watch_clients(shard.executor, parked_), io::asio::detached);
  if (shard.load == nullptr) return;
  parked_->run_queue().set_observer([load = shard.load](std::chrono::nanoseconds wait) {
    load->waited(edge::Load::Queue::kGuests, wait);
  });
}

// A place that others wait for, maybe on another shard, is not kept for a client that does not go
// on.
io::Task<void> AppHandler::watch_clients(io::Executor executor,
                                         std::weak_ptr<engine::Parked> parked) {
  io::Timer timer(executor);
  while (!parked.expired()) {
    timer.expires_after(limits::kSlowClientMin / 2);
    const auto [error] = co_await timer.async_wait(io::use_task);
    if (error) co_return;
    if (const auto watched = parked.lock()) watched->cancel_slow();
  }
}

std::optional<http::Response> AppHandler::route(edge::Exchange& exchange) {
  // Browsers name the type; tools that take anything ("*/*") get the app's own answer.
  const auto accept = notice_ ? exchange.request.fields.get_all("accept") : std::nullopt;
  if (accept && edge::accepts_html(*accept)) return page_of(*notice_);
  const auto* deployment = apps_ ? apps_->find(exchange.request.authority) : nullptr;
  if (deployment == nullptr) {
    if (notice_) return plain(503, notice_->text);
    return plain(404, "No application answers for this host.");
  }
  const app::App& app = (*deployment)->app();
  if (app.has_triggers()) remove_trigger_fields(exchange);
  if (app.kind == app::ManifestKind::kSpin && exchange.path() == "/.well-known/spin/health")
    return plain(200, "OK");
  route_in(exchange, *deployment);
  if (!exchange.origin) return plain(404, "Not Found");
  return std::nullopt;
}

io::Task<http::Response> AppHandler::trigger(DeploymentPtr deployment, const std::string& component,
                                             const std::string& name, http::Request& request) {
  const app::Route route{.pattern = name, .component = component};
  const app::RouteMatch match{.route = &route, .path_info = std::string(path_of(request.target))};
  DeployedComponent& found = *deployment->find(component);
  const edge::Client client{.address = "127.0.0.1"};
  co_return co_await run(request, std::move(deployment), match, found, client);
}

// Sets the route of an exchange and its origin; without one, nothing answers.
void AppHandler::route_in(edge::Exchange& exchange, DeploymentPtr deployment) {
  exchange.app = deployment->app().name;
  exchange.keeps_alive = deployment;
  auto match = deployment->router().match(exchange.path());
  if (!match) return;
  const app::Route& route = *match->route;
  exchange.route = route.pattern;
  const edge::Site* site = deployment->site();
  if (site != nullptr) {
    exchange.plan = site->plan(route.position);
    exchange.origin = site->origin(route.position, exchange, match->path_info);
  }
  exchange.explain([&] {
    const std::string target = exchange.origin         ? site->target(route.position)
                               : route.static_response ? "a static response"
                                                       : "component " + route.component;
    return fmt::format("app '{}', route '{}', leads to {}", exchange.app, route.pattern, target);
  });
  if (!exchange.origin) {
    exchange.origin = std::make_shared<RouteOrigin>(*this, std::move(deployment), std::move(*match),
                                                    exchange.client);
  }
}

io::Task<http::Response> AppHandler::run(http::Request& request, DeploymentPtr deployment,
                                         const app::RouteMatch& match, DeployedComponent& component,
                                         const edge::Client& client) {
  const app::Limits& limits = component.manifest.limits;
  std::shared_ptr<bool> body_exceeded;  // shared with the body
  if (request.body) {
    const auto size = request.body->size();
    if (size && *size > limits.body_bytes_max) co_return too_large(component, *match.route);
    body_exceeded = std::make_shared<bool>(false);
    request.body = std::make_unique<LimitedBody>(std::move(request.body), limits.body_bytes_max,
                                                 body_exceeded);
  }
  if (!component.admission->try_enter() && !co_await enter(component)) {
    log::warn("[{}] concurrency-limit on {}: {} invocations run and the queue is full",
              component.label, match.route->pattern, limits.concurrency_max);
    http::Response busy = plain(503, "Service Unavailable");
    busy.fields.add("retry-after", "1");
    co_return busy;
  }
  const bool command = component.component->world() == engine::World::kCommand;
  if (!command && deployment->app().kind != app::ManifestKind::kBare) {
    add_spin_headers(request, match, client);
  }
  auto host =
      std::make_unique<Run>(*this, std::move(deployment), component, match.route->pattern, client);
  auto response = command ? co_await run_command(request, std::move(host), match, component, client)
                          : co_await run_handler(request, std::move(host), component);
  if (response) co_return std::move(*response);
  if (body_exceeded && *body_exceeded) co_return too_large(component, *match.route);
  co_return failed(component, response.error());
}

io::Task<AppHandler::Answer> AppHandler::run_handler(http::Request& request,
                                                     std::unique_ptr<Run> host,
                                                     DeployedComponent& component) {
  Run& run = *host;
  auto kept = pool_.take(component);
  const bool keep = component.manifest.reuse.requests > 1;
  const auto invocation =
      engine::Invocation::start(shard_.executor, *parked_, *component.component, request,
                                std::move(kept.instance), keep, bounds(component), std::move(host));
  if (keep) run.keep(invocation, kept.served + 1);
  co_return co_await invocation->respond();
}

// A WASI command answers as a CGI script does.
io::Task<AppHandler::Answer> AppHandler::run_command(http::Request& request,
                                                     std::unique_ptr<Run> host,
                                                     const app::RouteMatch& match,
                                                     DeployedComponent& component,
                                                     const edge::Client& client) {
  const auto variables = app::wagi_variables(match, request.scheme, request.authority,
                                             request.target, address_and_port(client));
  const auto& argv = match.route->wagi_argv;
  const std::string arguments =
      argv.empty() ? "${SCRIPT_NAME} ${ARGS}" : fmt::format("{}", fmt::join(argv, " "));
  engine::Command command{.arguments = host::cgi_arguments(arguments, request.target),
                          .environment = host::cgi_environment(request, variables)};
  const auto invocation = engine::Invocation::start_command(
      shard_.executor, *parked_, *component.component, std::move(command), request,
      bounds(component), std::move(host));
  auto output = co_await invocation->respond();
  if (!output) co_return std::unexpected(output.error());
  auto response = co_await host::read_cgi_response(std::move(output->body));
  if (!response) {
    log::warn("[{}] {}: {}", component.label, match.route->pattern, response.error().message);
    co_return std::unexpected(
        engine::Failure{engine::FailureKind::kNoResponse, response.error().message});
  }
  co_return std::move(*response);
}

// Waits for a place; false when there is none to be had.
io::Task<bool> AppHandler::enter(DeployedComponent& component) {
  Admission& admission = *component.admission;
  if (!admission.try_queue()) co_return false;
  io::Event turn(shard_.executor);
  const auto deadline = std::chrono::steady_clock::now() + limits::kQueueTimeout;
  bool entered = false;
  while (!(entered = admission.try_enter())) {
    auto& queue = queues_[&admission];
    queue.push_back(&turn);
    // Places become free on other shards too: a look every now and then is enough for those.
    const auto next_look =
        std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
    co_await turn.wait_until(next_look);
    std::erase(queue, &turn);
    if (std::chrono::steady_clock::now() >= deadline) break;
  }
  admission.unqueue();
  co_return entered;
}

void AppHandler::leave(DeployedComponent& component) {
  component.admission->leave();
  if (!component.admission->has_queue()) return;
  const auto queue = queues_.find(component.admission.get());
  if (queue != queues_.end() && !queue->second.empty()) queue->second.front()->notify();
}

http::Response AppHandler::failed(const DeployedComponent& component,
                                  const engine::Failure& failure) const {
  const uint16_t status = engine::http_status(failure.kind);
  if (!options_.show_errors) return plain(status, http::reason_phrase(status));
  return plain(status, fmt::format("{}: {}\n\n{}", component.label, engine::to_string(failure.kind),
                                   failure.message));
}

}  // namespace cusp::node
