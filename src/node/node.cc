#include "node/node.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "http/server.h"
#include "io/asio.h"
#include "io/shard.h"
#include "node/app_handler.h"
#include "node/app_table.h"
#include "node/artifact_store.h"
#include "node/deployment.h"

namespace cusp::node {

// Members in the order in which they are made; they go in the opposite one.
struct Node::State {
  NodeOptions options;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<ArtifactStore> artifacts;
  std::shared_ptr<const AppTable> apps;  // shared with the shards
  std::vector<std::shared_ptr<const io::TlsServerContext>> tls;

  // What lives on one shard; made and freed on its thread.
  struct ShardState {
    std::unique_ptr<http::Client> client;
    std::unique_ptr<edge::ShardContext> context;
    std::unique_ptr<AppHandler> handler;
    std::unique_ptr<edge::Pipeline> pipeline;
    std::vector<std::unique_ptr<http::Server>> servers;
  };
  std::vector<ShardState> shard_states;
  std::vector<std::unique_ptr<io::Shard>> shards;
  std::vector<uint16_t> ports;

  Result<std::shared_ptr<const AppTable>> load_apps(const std::vector<AppSource>& sources) const;
  Result<std::shared_ptr<const Deployment>> load_app(const AppSource& source) const;
  Result<> listen(const Listen& where, size_t index);
  void stop(std::chrono::milliseconds deadline);
};

Result<std::shared_ptr<const Deployment>> Node::State::load_app(const AppSource& source) const {
  CUSP_TRY(app::App app, app::load_app(source.path, {.profile = source.profile}));
  for (const auto& warning : app.warnings) log::warn("{}", warning);
  CUSP_CHECK(app::check_sources(app));
  if (!source.hosts.empty()) app.hosts = source.hosts;
  if (source.reuse) {
    for (auto& component : app.components) component.reuse = *source.reuse;
  }
  DeploymentOptions deployment{.progress = options.progress};
  deployment.providers.push_back(app::make_map_provider(source.variables));
  if (!source.runtime_config.empty()) {
    CUSP_TRY(auto configured, app::load_runtime_config(source.runtime_config));
    for (auto& provider : configured) deployment.providers.push_back(std::move(provider));
  }
  const std::string dotenv = app.directory + "/.env";
  deployment.providers.push_back(app::make_environment_provider("CUSP_VARIABLE_", dotenv));
  deployment.providers.push_back(app::make_environment_provider("SPIN_VARIABLE_", dotenv));
  return Deployment::create(*engine, *artifacts, std::move(app), deployment);
}

Result<std::shared_ptr<const AppTable>> Node::State::load_apps(
    const std::vector<AppSource>& sources) const {
  std::vector<std::shared_ptr<const Deployment>> loaded;
  for (const auto& source : sources) {
    CUSP_TRY(auto deployment, load_app(source));
    loaded.push_back(std::move(deployment));
  }
  return AppTable::create(std::move(loaded));
}

// Binds on every shard; the first one finds the port when any will do.
Result<> Node::State::listen(const Listen& where, size_t index) {
  uint16_t port = where.port;
  for (size_t i = 0; i < shards.size(); ++i) {
    Result<std::unique_ptr<http::Server>> server;
    shards[i]->run([&] {
      server = http::make_server(shards[i]->executor(),
                                 {.address = where.address,
                                  .port = port,
                                  .tls = tls[index],
                                  // The limit is each app's own: see AppHandler.
                                  .limits = {.body_bytes_max = UINT64_MAX}},
                                 *shard_states[i].pipeline);
      if (!server) return;
      port = (*server)->port();
      shard_states[i].servers.push_back(std::move(*server));
    });
    if (!server) return std::unexpected(server.error());
  }
  ports.push_back(port);
  return {};
}

Result<std::unique_ptr<Node>> Node::start(NodeOptions options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto state = std::make_unique<State>();
  if (options.shards == 0) options.shards = std::max(1u, std::thread::hardware_concurrency());
  state->options = std::move(options);
  CUSP_TRY(state->engine, engine::Engine::create());
  CUSP_TRY(state->artifacts, ArtifactStore::open(state->options.state_directory, *state->engine));
  CUSP_TRY(state->apps, state->load_apps(state->options.apps));
  for (const auto& where : state->options.listen) {
    std::shared_ptr<const io::TlsServerContext> context;
    if (!where.certificates.empty()) {
      CUSP_TRY(context, io::make_tls_server_context(where.certificates));
    }
    state->tls.push_back(std::move(context));
  }
  for (size_t i = 0; i < state->options.shards; ++i) {
    auto& shard = *state->shards.emplace_back(std::make_unique<io::Shard>(i));
    auto& shard_state = state->shard_states.emplace_back();
    shard.run([&] {
      shard_state.client = http::make_client(shard.executor());
      shard_state.context = std::make_unique<edge::ShardContext>(
          edge::ShardContext{.executor = shard.executor(), .client = *shard_state.client});
      shard_state.handler = std::make_unique<AppHandler>(
          *shard_state.context, HandlerOptions{.show_errors = state->options.show_errors});
      shard_state.handler->set_apps(state->apps);
      shard_state.pipeline =
          std::make_unique<edge::Pipeline>(*shard_state.context, *shard_state.handler);
    });
  }
  std::unique_ptr<Node> node(new Node(std::move(state)));
  for (size_t i = 0; i < node->state_->options.listen.size(); ++i) {
    CUSP_CHECK(node->state_->listen(node->state_->options.listen[i], i));
  }
  return node;
}

Node::Node(std::unique_ptr<State> state) : state_(std::move(state)) {}

Node::~Node() { state_->stop(std::chrono::milliseconds(0)); }

std::vector<std::string> Node::urls() const {
  std::vector<std::string> urls;
  for (size_t i = 0; i < state_->ports.size(); ++i) {
    const Listen& where = state_->options.listen[i];
    const bool v6 = where.address.find(':') != std::string::npos;
    urls.push_back(fmt::format("{}://{}{}{}:{}", where.certificates.empty() ? "http" : "https",
                               v6 ? "[" : "", where.address, v6 ? "]" : "", state_->ports[i]));
  }
  return urls;
}

Result<> Node::reload() { return reload(state_->options.apps); }

Result<> Node::reload(std::vector<AppSource> apps) {
  CUSP_TRY(state_->apps, state_->load_apps(apps));
  state_->options.apps = std::move(apps);
  for (size_t i = 0; i < state_->shards.size(); ++i) {
    state_->shards[i]->run([&] { state_->shard_states[i].handler->set_apps(state_->apps); });
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
  std::vector<std::future<void>> drained;
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i]->run([&] {
      for (auto& server : shard_states[i].servers) {
        auto drain = [&server, deadline]() -> io::Task<void> { co_await server->drain(deadline); };
        drained.push_back(io::asio::co_spawn(shards[i]->executor(), drain, io::asio::use_future));
      }
    });
  }
  for (auto& one : drained) one.wait();
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i]->run([&] {
      shard_states[i].servers.clear();
      shard_states[i].handler->stop();
    });
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
