#include "node/node.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "edge/limits/load.h"
#include "http/server.h"
#include "io/asio.h"
#include "io/blocking_pool.h"
#include "io/shard.h"
#include "node/access_log.h"
#include "node/acme/renewal.h"
#include "node/admin.h"
#include "node/app_handler.h"
#include "node/app_table.h"
#include "node/artifact_store.h"
#include "node/data_handler.h"
#include "node/deployment.h"
#include "node/metrics.h"
#include "node/node_edge.h"
#include "node/purge_endpoint.h"
#include "node/s3/handler.h"
#include "node/secret_file.h"
#include "node/secret_store.h"
#include "node/tls_keeper.h"
#include "node/token_store.h"
#include "node/triggers/running.h"
#include "node/triggers/triggers.h"
#include "node/vault.h"

namespace cusp::node {

namespace {

// Files that are not in memory, and passwords: work that waits for a disk or takes a core.
constexpr size_t kBlockingThreads = 4;
constexpr size_t kStoreThreads = 8;

std::string url_of(const Listen& where, uint16_t port) {
  const bool v6 = where.address.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", where.tls() ? "https" : "http", v6 ? "[" : "", where.address,
                     v6 ? "]" : "", port);
}

std::vector<TlsSetup> tls_setups(const NodeOptions& options) {
  std::vector<TlsSetup> setups;
  std::vector<Listen> all = options.listen;
  if (options.s3) all.push_back(options.s3->listen);
  if (options.data) all.push_back(*options.data);
  for (const Listen& where : all) {
    TlsSetup& setup = setups.emplace_back();
    setup = {
        .certificates = where.certificates, .clients = where.clients, .client_ca = where.client_ca};
    if (!where.acme || !options.acme) continue;
    for (const std::string& domain : options.acme->domains) {
      setup.issued.push_back(acme::files_of(options.state_directory, *options.acme, domain));
    }
  }
  return setups;
}

// The peer of a request that nobody has sent.
class PretendedConnection final : public http::Connection {
 public:
  PretendedConnection(std::string address, bool tls) : address_(std::move(address)), tls_(tls) {}
  std::string_view remote_address() const override { return address_; }
  uint16_t remote_port() const override { return 0; }
  bool tls() const override { return tls_; }
  void on_client_gone(std::function<void()>) override {}

 private:
  const std::string address_;
  const bool tls_;
};

}  // namespace

// Members in the order in which they are made; they go in the opposite one.
struct Node::State {
  NodeOptions options;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<ArtifactStore> artifacts;
  std::unique_ptr<edge::cache::Cache> cache;
  std::unique_ptr<io::BlockingPool> blocking = std::make_unique<io::BlockingPool>(kBlockingThreads);
  // Statements of guests may take long: they do not keep the edge from its files.
  std::unique_ptr<io::BlockingPool> store_blocking =
      std::make_unique<io::BlockingPool>(kStoreThreads);
  std::unique_ptr<store::Stores> stores;
  std::unique_ptr<TokenStore> tokens;  // null: nothing asks for them
  std::string secret;                  // of which features make their keys
  NodeEdge edge;
  edge::ConnectionCounts connections;
  std::shared_ptr<const AppTable> apps;  // shared with the shards
  Challenges challenges;
  std::unique_ptr<TlsKeeper> tls;
  std::unique_ptr<acme::Renewal> renewal;  // null: nothing to renew
  Metrics metrics;
  std::unique_ptr<AccessLog> access_log;   // null: none is kept
  std::unique_ptr<hrana::Endpoint> hrana;  // the three are null without a listener for data
  std::unique_ptr<kv_rest::Endpoint> kv_rest;
  std::unique_ptr<DataHandler> data;
  std::unique_ptr<triggers::Triggers> triggers;

  // What lives on one shard; made and freed on its thread.
  struct ShardState {
    std::unique_ptr<http::Client> client;
    std::shared_ptr<edge::Load> load;  // shared with the coroutine that measures it
    std::unique_ptr<edge::ShardContext> context;
    std::unique_ptr<AppHandler> handler;
    std::unique_ptr<ShardObserver> observer;  // null: nobody asks
    std::unique_ptr<edge::Pipeline> pipeline;
    std::unique_ptr<AdminHandler> admin;  // of the first shard alone
    std::unique_ptr<s3::Handler> s3;      // null: it is not served
    std::vector<std::unique_ptr<ListenerHandler>> listeners;
    std::vector<std::unique_ptr<http::Server>> servers;
  };
  std::vector<ShardState> shard_states;
  std::vector<std::unique_ptr<io::Shard>> shards;
  std::vector<uint16_t> ports;
  uint16_t admin_port = 0;
  uint16_t s3_port = 0;
  uint16_t data_port = 0;

  using GeoPtr = std::shared_ptr<const edge::Geo>;
  Result<std::shared_ptr<const AppTable>> load_apps(const std::vector<AppSource>& sources,
                                                    const GeoPtr& geo) const;
  Result<std::shared_ptr<const Deployment>> load_app(const AppSource& source,
                                                     const GeoPtr& geo) const;
  void add_shard(size_t index);
  void watch_upstreams(ShardState& local) const;
  Result<NodeEdge> read_edge(const NodeOptions& from) const;
  void set_edge(ShardState& local) const;
  using MakeHandler = std::function<http::Handler&(ShardState&)>;
  Result<uint16_t> listen(const Listen& where, size_t index, const MakeHandler& make);
  Result<> listen_for_s3();
  Result<> listen_for_admin(const Listen& where);
  Result<> listen_for_data();
  Result<> start_renewal();
  Result<> start_triggers();
  void stop(std::chrono::milliseconds deadline);
};

Result<std::shared_ptr<const Deployment>> Node::State::load_app(const AppSource& source,
                                                                const GeoPtr& geo) const {
  CUSP_TRY(app::App app, app::load_app(source.path, {.profile = source.profile}));
  for (const auto& warning : app.warnings) log::warn("{}", warning);
  CUSP_CHECK(app::check_sources(app));
  if (!source.hosts.empty()) app.hosts = source.hosts;
  if (source.reuse) {
    for (auto& component : app.components) component.reuse = *source.reuse;
  }
  DeploymentOptions deployment{.secret = secret,
                               .geo = geo,
                               .stores = stores.get(),
                               .cache = cache.get(),
                               .blocking = blocking.get(),
                               .progress = options.progress};
  deployment.providers.push_back(app::make_map_provider(source.variables));
  if (!source.runtime_config.empty()) {
    CUSP_TRY(auto configured, app::load_runtime_config(source.runtime_config, make_vault_provider));
    deployment.elsewhere = {.databases = std::move(configured.databases),
                            .object_stores = std::move(configured.object_stores)};
    for (auto& provider : configured.providers) {
      deployment.providers.push_back(std::move(provider));
    }
  }
  CUSP_TRY(const SecretStore secrets, SecretStore::open(options.state_directory));
  CUSP_TRY(auto secret_values, secrets.provider(app.name));
  deployment.providers.push_back(std::move(secret_values));
  const std::string dotenv = app.directory + "/.env";
  deployment.providers.push_back(app::make_environment_provider("CUSP_VARIABLE_", dotenv));
  deployment.providers.push_back(app::make_environment_provider("SPIN_VARIABLE_", dotenv));
  return Deployment::create(*engine, *artifacts, std::move(app), deployment);
}

Result<std::shared_ptr<const AppTable>> Node::State::load_apps(
    const std::vector<AppSource>& sources, const GeoPtr& geo) const {
  std::vector<std::shared_ptr<const Deployment>> loaded;
  for (const auto& source : sources) {
    CUSP_TRY(auto deployment, load_app(source, geo));
    loaded.push_back(std::move(deployment));
  }
  return AppTable::create(std::move(loaded));
}

// Binds on every shard; the first one finds the port when any will do. `index` is that of its TLS
// context.
Result<uint16_t> Node::State::listen(const Listen& where, size_t index, const MakeHandler& make) {
  uint16_t port = where.port;
  for (size_t i = 0; i < shards.size(); ++i) {
    Result<std::unique_ptr<http::Server>> server;
    shards[i]->run([&] {
      auto& local = shard_states[i];
      server = http::make_server(shards[i]->executor(),
                                 {.address = where.address,
                                  .port = port,
                                  .tls = tls->context(index),
                                  // The limit is each handler's own.
                                  .limits = {.body_bytes_max = UINT64_MAX},
                                  .gate = &connections},
                                 make(local));
      if (!server) return;
      port = (*server)->port();
      local.servers.push_back(std::move(*server));
    });
    if (!server) return std::unexpected(server.error());
  }
  return port;
}

Result<> Node::State::listen_for_s3() {
  CUSP_TRY(store::object::Objects* const objects, stores->objects());
  const s3::HandlerOptions handler{
      .domain = options.s3->domain,
      .find_token = [this](std::string_view id) { return tokens->find(id); }};
  const auto make = [&](ShardState& local) -> http::Handler& {
    local.s3 = std::make_unique<s3::Handler>(handler, *objects);
    return *local.s3;
  };
  CUSP_TRY(s3_port, listen(options.s3->listen, options.listen.size(), make));
  return {};
}

void Node::State::add_shard(size_t index) {
  auto& shard = *shards.emplace_back(std::make_unique<io::Shard>(index));
  auto& local = shard_states.emplace_back();
  shard.run([&] {
    local.client = http::make_client(shard.executor());
    local.context = std::make_unique<edge::ShardContext>(
        edge::ShardContext{.executor = shard.executor(), .client = *local.client});
    local.load = std::make_shared<edge::Load>();
    local.context->load = local.load.get();
    io::asio::co_spawn(shard.executor(), edge::Load::watch(local.load, shard.executor()),
                       io::asio::detached);
    local.handler = std::make_unique<AppHandler>(
        *local.context, HandlerOptions{.show_errors = options.show_errors});
    local.handler->set_apps(apps);
    if (index == 0) watch_upstreams(local);
    local.pipeline = std::make_unique<edge::Pipeline>(*local.context, *local.handler);
    local.pipeline->set_server_timing(options.server_timing);
    set_edge(local);
    if (access_log || options.admin) {
      local.observer = std::make_unique<ShardObserver>(metrics, access_log.get());
      local.pipeline->set_observer(local.observer.get());
    }
  });
}

Result<NodeEdge> Node::State::read_edge(const NodeOptions& from) const {
  return read_node_edge(from, {.cache = cache.get(), .blocking = blocking.get(), .secret = secret});
}

void Node::State::set_edge(ShardState& local) const {
  local.context->geo = edge.geo.get();
  local.pipeline->set_plan(edge.plan);
}

// One shard asks for all: what it finds out is shared.
void Node::State::watch_upstreams(ShardState& local) const {
  for (const auto& deployment : apps->apps()) {
    if (const auto* site = deployment->site()) site->watch(*local.context);
  }
}

Result<> Node::State::listen_for_admin(const Listen& where) {
  CUSP_TRY(std::string token, load_token(options.state_directory + "/admin.token"));
  std::vector<AdminHandler::Endpoint> endpoints;
  endpoints.push_back({"GET", "/healthz", false, [](http::Request&) -> io::Task<http::Response> {
                         co_return http::text_response(200, "ok\n");
                       }});
  endpoints.push_back(
      {"GET", "/metrics", false, [this](http::Request&) -> io::Task<http::Response> {
         auto response = http::text_response(200, metrics.text());
         response.fields.set("content-type", "text/plain; version=0.0.4");
         co_return response;
       }});
  endpoints.push_back(purge_endpoint(*cache));
  auto& local = shard_states.front();
  Result<std::unique_ptr<http::Server>> server;
  shards.front()->run([&] {
    local.admin = std::make_unique<AdminHandler>(std::move(token), std::move(endpoints));
    server = http::make_server(shards.front()->executor(),
                               {.address = where.address, .port = where.port}, *local.admin);
    if (!server) return;
    admin_port = (*server)->port();
    local.servers.push_back(std::move(*server));
  });
  if (!server) return std::unexpected(server.error());
  return {};
}

Result<> Node::State::listen_for_data() {
  hrana = std::make_unique<hrana::Endpoint>(*stores, *store_blocking);
  kv_rest = std::make_unique<kv_rest::Endpoint>(*stores, *store_blocking);
  data = std::make_unique<DataHandler>(*tokens, *stores, *hrana, *kv_rest);
  data->set_apps(apps);
  const auto make = [&](ShardState&) -> http::Handler& { return *data; };
  const size_t index = options.listen.size() + (options.s3 ? 1 : 0);
  CUSP_TRY(data_port, listen(*options.data, index, make));
  return {};
}

// Not before the listeners are there: the authority comes to see proofs.
Result<> Node::State::start_renewal() {
  CUSP_TRY(renewal, acme::Renewal::start(*options.acme, options.state_directory, challenges,
                                         tls->contexts(), [this] { tls->refresh(); }));
  return {};
}

Result<> Node::State::start_triggers() {
  std::vector<triggers::Place> places;
  for (size_t i = 0; i < shards.size(); ++i) {
    places.push_back({shards[i]->executor(), shard_states[i].handler.get()});
  }
  triggers = std::make_unique<triggers::Triggers>(*stores, metrics.triggers(), std::move(places));
  return triggers->set_apps(apps);
}

Result<std::unique_ptr<Node>> Node::start(NodeOptions options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto state = std::make_unique<State>();
  if (options.shards == 0) options.shards = std::max(1u, std::thread::hardware_concurrency());
  state->options = std::move(options);
  CUSP_TRY(state->engine, engine::Engine::create());
  CUSP_TRY(state->artifacts, ArtifactStore::open(state->options.state_directory, *state->engine));
  state->stores = std::make_unique<store::Stores>(state->options.stores_directory.empty()
                                                      ? state->options.state_directory + "/stores"
                                                      : state->options.stores_directory,
                                                  *state->store_blocking);
  CUSP_TRY(state->cache, edge::cache::Cache::open(state->options.cache));
  CUSP_TRY(state->secret, load_secret(state->options.state_directory + "/edge.secret", 32));
  CUSP_TRY(state->edge, state->read_edge(state->options));
  state->connections.set_policy(state->edge.connections);
  CUSP_TRY(state->apps, state->load_apps(state->options.apps, state->edge.geo));
  if (!state->options.access_log.empty()) {
    CUSP_TRY(state->access_log, AccessLog::open(state->options.access_log));
  }
  CUSP_TRY(state->tls, TlsKeeper::create(tls_setups(state->options)));
  state->shard_states.reserve(state->options.shards);
  for (size_t i = 0; i < state->options.shards; ++i) state->add_shard(i);
  std::unique_ptr<Node> node(new Node(std::move(state)));
  State& running = *node->state_;
  for (size_t i = 0; i < running.options.listen.size(); ++i) {
    const Listen& where = running.options.listen[i];
    const auto make = [&](State::ShardState& local) -> http::Handler& {
      local.listeners.push_back(
          std::make_unique<ListenerHandler>(where.rules, running.challenges, *local.pipeline));
      return *local.listeners.back();
    };
    CUSP_TRY(const uint16_t port, running.listen(where, i, make));
    running.ports.push_back(port);
  }
  if (running.options.s3 || running.options.data) {
    CUSP_TRY(running.tokens, TokenStore::open(running.options.state_directory));
  }
  if (running.options.s3) CUSP_CHECK(running.listen_for_s3());
  if (running.options.admin) CUSP_CHECK(running.listen_for_admin(*running.options.admin));
  if (running.options.data) CUSP_CHECK(running.listen_for_data());
  if (running.options.acme) CUSP_CHECK(running.start_renewal());
  CUSP_CHECK(running.start_triggers());
  return node;
}

Node::Node(std::unique_ptr<State> state) : state_(std::move(state)) {}

Node::~Node() { state_->stop(std::chrono::milliseconds(0)); }

std::vector<std::string> Node::urls() const {
  std::vector<std::string> urls;
  for (size_t i = 0; i < state_->ports.size(); ++i) {
    urls.push_back(url_of(state_->options.listen[i], state_->ports[i]));
  }
  return urls;
}

std::string Node::admin_url() const {
  return state_->options.admin ? url_of(*state_->options.admin, state_->admin_port) : "";
}

std::string Node::s3_url() const {
  return state_->options.s3 ? url_of(state_->options.s3->listen, state_->s3_port) : "";
}

std::string Node::data_url() const {
  return state_->options.data ? url_of(*state_->options.data, state_->data_port) : "";
}

edge::Trail Node::explain(http::Request request, const std::string& client) {
  PretendedConnection connection(client, request.scheme == "https");
  request.connection = &connection;
  std::future<edge::Trail> trail;
  state_->shards.front()->run([&] {
    trail = io::asio::co_spawn(state_->shards.front()->executor(),
                               state_->shard_states.front().pipeline->explain(request),
                               io::asio::use_future);
  });
  return trail.get();
}

void Node::refresh_certificates() { state_->tls->refresh(); }

void Node::reopen_logs() {
  if (state_->access_log) state_->access_log->reopen();
}

Result<> Node::reload() { return reload(state_->options.apps); }

Result<> Node::reload(std::vector<AppSource> apps) {
  NodeOptions options = state_->options;
  options.apps = std::move(apps);
  return reload(std::move(options));
}

Result<> Node::reload(NodeOptions options) {
  CUSP_TRY(NodeEdge edge, state_->read_edge(options));
  CUSP_TRY(auto apps, state_->load_apps(options.apps, edge.geo));
  CUSP_CHECK(state_->triggers->set_apps(apps));
  state_->apps = std::move(apps);
  if (state_->data) state_->data->set_apps(state_->apps);
  state_->options.apps = std::move(options.apps);
  state_->options.document = std::move(options.document);
  state_->options.geo = std::move(options.geo);
  // `edge` is what was before from here on: nobody looks into it any more when it goes.
  std::swap(state_->edge, edge);
  state_->connections.set_policy(state_->edge.connections);
  for (size_t i = 0; i < state_->shards.size(); ++i) {
    state_->shards[i]->run([&] {
      auto& local = state_->shard_states[i];
      local.handler->set_apps(state_->apps);
      state_->set_edge(local);
      if (i == 0) state_->watch_upstreams(local);
    });
  }
  return {};
}

void Node::set_notice(const std::optional<Error>& notice) {
  const auto shown = notice ? std::make_shared<const Notice>(*notice) : nullptr;
  for (size_t i = 0; i < state_->shards.size(); ++i) {
    state_->shards[i]->run([&] { state_->shard_states[i].handler->set_notice(shown); });
  }
}

void Node::stop(std::chrono::milliseconds deadline) { state_->stop(deadline); }

void Node::State::stop(std::chrono::milliseconds deadline) {
  renewal.reset();
  std::vector<std::future<void>> drained;
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i]->run([&] {
      for (auto& server : shard_states[i].servers) {
        auto drain = [&server, deadline]() -> io::Task<void> { co_await server->drain(deadline); };
        drained.push_back(io::asio::co_spawn(shards[i]->executor(), drain, io::asio::use_future));
      }
    });
  }
  if (triggers) triggers->stop(deadline);
  for (auto& one : drained) one.wait();
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i]->run([&] {
      shard_states[i].servers.clear();
      shard_states[i].handler->stop();
    });
  }
  stores->close();
  store_blocking->stop();
  blocking->stop();
  for (size_t i = 0; i < shards.size(); ++i) {
    // What was cancelled ends in the loop, behind this; then nothing uses the handler any more.
    shards[i]->run([] {});
    shards[i]->run([&] { const ShardState ended = std::move(shard_states[i]); });
  }
  shards.clear();
  shard_states.clear();
  apps.reset();
}

std::string default_state_directory() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const auto state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/cusp";
  if (const auto home = variable("HOME"); !home.empty()) return home + "/.local/state/cusp";
  std::error_code ignored;
  const auto temporary = std::filesystem::temp_directory_path(ignored);
  return (temporary / fmt::format("cusp-{}", ::getuid())).string();
}

}  // namespace cusp::node
