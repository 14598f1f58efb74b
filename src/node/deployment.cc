#include "node/deployment.h"

#include <stdlib.h>

#include <algorithm>

#include <fmt/format.h>

#include "app/files.h"
#include "base/address.h"
#include "base/file.h"
#include "host/redis.h"
#include "host/sockets.h"
#include "http/client_origin.h"
#include "node/download.h"
#include "node/grants.h"
#include "node/guest_cache.h"
#include "node/guest_geo.h"
#include "node/guest_rate_limit.h"

namespace cusp::node {

namespace {

using app::OutboundPolicy;

// A source of the manifest as bytes, its digest checked.
Result<std::string> read_source(const app::Source& source, const std::string& downloads,
                                const std::string& place) {
  auto bytes =
      source.url.empty() ? read_file(source.path) : download(source.url, source.digest, downloads);
  if (!bytes) {
    if (source.url.empty()) {
      bytes.error().message = "component source " + source.path + ": " + bytes.error().message;
    }
    bytes.error().context = place;
  }
  return bytes;
}

// What an artifact stands for: the component's own bytes and those of its dependencies.
struct Sources {
  std::string component;
  std::vector<std::pair<std::string, std::string>> dependencies;  // import → bytes

  std::string identity() const {
    std::string text = component;
    for (const auto& [name, bytes] : dependencies)
      text.append("\0dependency\0", 12).append(name).append(bytes);
    return text;
  }

  Result<std::string> build() const {
    CUSP_TRY(std::string wasm, engine::componentize(component));
    if (dependencies.empty()) return wasm;
    std::vector<std::pair<std::string, std::string>> parts;
    for (const auto& [name, bytes] : dependencies) {
      CUSP_TRY(std::string part, engine::componentize(bytes));
      parts.emplace_back(name, std::move(part));
    }
    return engine::compose(wasm, parts);
  }
};

Result<Sources> read_sources(const app::Component& component, const std::string& downloads) {
  Sources sources;
  CUSP_TRY(sources.component, read_source(component.source, downloads, component.place));
  for (const auto& dependency : component.dependencies) {
    CUSP_TRY(std::string bytes, read_source(dependency.source, downloads, component.place));
    sources.dependencies.emplace_back(dependency.import_name, std::move(bytes));
  }
  return sources;
}

// Guest sockets: an entry must list the address itself or the host any name stands for, with scheme
// tcp or udp (or "*"). Nobody listens: requests come to the node.
auto socket_policy(std::shared_ptr<const OutboundPolicy> policy) {
  return [policy](engine::SocketUse use, std::string_view address, uint16_t port) {
    if (use == engine::SocketUse::kTcpListen) return false;
    // Any free local port, for a socket that then connects or sends: this reaches nobody yet.
    if (port == 0 && (address == "0.0.0.0" || address == "::")) return true;
    if (use == engine::SocketUse::kTcpBind) return false;
    const std::string_view scheme = use == engine::SocketUse::kUdp ? "udp" : "tcp";
    return policy->allows(scheme, address, port) &&
           policy->allows_address(scheme, address, address, port);
  };
}

std::shared_ptr<host::OutboundRules> outbound_rules(std::shared_ptr<const OutboundPolicy> policy,
                                                    const std::vector<std::string>& queues) {
  auto rules = std::make_shared<host::OutboundRules>();
  rules->allows = [policy](std::string_view scheme, std::string_view host, uint16_t port) {
    return policy->allows(scheme, host, port);
  };
  rules->allows_address = [policy](std::string_view scheme, std::string_view host,
                                   std::string_view address, uint16_t port) {
    return policy->allows_address(scheme, host, address, port);
  };
  rules->is_local = [policy, queues](std::string_view host) {
    if (host == "self") return policy->allows_self();
    if (host.ends_with(kQueueDomain)) {
      host.remove_suffix(kQueueDomain.size());
      return std::ranges::find(queues, host) != queues.end();
    }
    return host.ends_with(kInternalDomain) && policy->allows("http", host, 80);
  };
  return rules;
}

}  // namespace

Result<std::shared_ptr<const Deployment>> Deployment::create(const engine::Engine& engine,
                                                             ArtifactStore& artifacts, app::App app,
                                                             const DeploymentOptions& options) {
  std::shared_ptr<Deployment> deployment(new Deployment);
  deployment->app_ = std::move(app);
  CUSP_TRY(deployment->router_, app::Router::create(deployment->app_.routes));
  const app::App& manifest = deployment->app_;
  if (manifest.document) {
    CUSP_TRY(deployment->site_,
             edge::Site::read(*manifest.document, {.directory = manifest.directory,
                                                   .app = manifest.name,
                                                   .cache = options.cache,
                                                   .blocking = options.blocking,
                                                   .secret = options.secret}));
  }
  deployment->grant_edge(options);
  for (const auto& [name, database] : options.elsewhere.databases) {
    deployment->elsewhere_.insert(name);
  }
  CUSP_TRY(const size_t migrations,
           prepare_databases(*options.stores, manifest, options.elsewhere.databases));
  if (migrations > 0) {
    options.progress(fmt::format("{}: {} {} applied", manifest.name, migrations,
                                 migrations == 1 ? "migration" : "migrations"));
  }
  for (const auto& component : manifest.components) {
    CUSP_CHECK(deployment->add(engine, artifacts, component, options));
  }
  for (const auto& trigger : manifest.redis_triggers) {
    CUSP_CHECK(deployment->add_subscription(trigger, options));
  }
  return deployment;
}

// What touches nothing but the application itself needs no grant in its manifest.
void Deployment::grant_edge(const DeploymentOptions& options) {
  using enum host::CapabilityKind;
  capabilities_.grant(kGeo, make_guest_geo(options.geo));
  capabilities_.grant(kRateLimit, make_guest_rate_limit());
  if (options.cache == nullptr || options.blocking == nullptr) return;
  capabilities_.grant(kCache, make_guest_cache(*options.cache, *options.blocking, app_.name));
}

Result<> Deployment::add(const engine::Engine& engine, ArtifactStore& artifacts,
                         const app::Component& component, const DeploymentOptions& options) {
  auto deployed = std::make_unique<DeployedComponent>();
  deployed->manifest = component;
  deployed->label = app_.name == component.id ? app_.name : app_.name + "/" + component.id;

  CUSP_TRY(const Sources sources, read_sources(component, artifacts.downloads()));
  auto artifact = artifacts.get(
      sources.identity(), [&] { return sources.build(); },
      [&](size_t bytes) {
        options.progress(fmt::format("compiling {} ({:.1f} MB)", deployed->label,
                                     static_cast<double>(bytes) / 1e6));
      });
  if (!artifact) {
    artifact.error().context = component.place;
    artifact.error().message =
        fmt::format("component '{}': {}", component.id, artifact.error().message);
    return std::unexpected(artifact.error());
  }

  CUSP_TRY(const auto variables, app::resolve_variables(app_, component, options.providers));
  CUSP_TRY(const auto hosts, app::resolve_outbound_hosts(app_, component, options.providers));
  CUSP_TRY(auto parsed, OutboundPolicy::create(hosts));
  const auto policy =
      std::make_shared<const OutboundPolicy>(std::move(parsed));  // shared with requests under way
  engine::ComponentOptions setup = {
      .id = component.id,
      .environment = {component.environment.begin(), component.environment.end()},
      .variables = {variables.begin(), variables.end()},
      .memory_bytes_max = component.limits.memory_bytes_max,
      .table_elements_max = component.limits.table_elements_max,
      .subrequests_max = component.limits.subrequests_max,
  };
  if (!hosts.empty()) setup.allow_address = socket_policy(policy);
  if (!component.files.empty()) {
    std::string folder = (std::filesystem::temp_directory_path() / "cusp-files-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) {
      return fail(ErrorCode::kUnavailable, "cannot create a folder for the component's files",
                  folder);
    }
    staged_.emplace_back(folder);
    CUSP_CHECK(app::stage_guest_files(component, app_.directory, folder));
    setup.mounts.emplace_back(folder, "/");
  }
  auto loaded = engine::Component::load(engine, *artifact, std::move(setup));
  if (!loaded) {
    loaded.error().context = component.place;
    return std::unexpected(loaded.error());
  }
  deployed->component = std::move(*loaded);
  deployed->outbound = outbound_rules(policy, component.queues);
  deployed->capabilities = capabilities_;
  deployed->capabilities.grant(host::CapabilityKind::kRedis, host::make_redis(deployed->outbound));
  deployed->capabilities.grant(host::CapabilityKind::kSockets,
                               host::make_sockets(deployed->outbound));
  CUSP_CHECK(
      grant_stores(*options.stores, app_, component, options.elsewhere, deployed->capabilities));
  for (const auto& name : component.queues) {
    CUSP_TRY(queues_[name], options.stores->queue(app_.name, name));
  }
  deployed->admission =
      std::make_unique<Admission>(component.limits.concurrency_max, component.limits.queue_max);
  components_.push_back(std::move(deployed));
  return {};
}

// The trigger's own address may be a private one: it stands in the manifest. A name that leads
// there may not, as everywhere.
Result<> Deployment::add_subscription(const app::RedisTrigger& trigger,
                                      const DeploymentOptions& options) {
  const auto at_place = [&](Error error) {
    error.context = trigger.place;
    return std::unexpected(std::move(error));
  };
  const auto text = app::resolve_template(app_, trigger.address, options.providers);
  if (!text) return at_place(text.error());
  auto channel = app::resolve_template(app_, trigger.channel, options.providers);
  if (!channel) return at_place(channel.error());
  auto address = host::RedisAddress::parse(*text);
  if (!address) return at_place(address.error());
  const http::Origin origin{.host = address->host, .port = address->port};
  auto reachable = OutboundPolicy::create({address->scheme + "://" + origin.to_string()});
  if (!reachable) return at_place(reachable.error());
  subscriptions_.push_back({std::move(*address),
                            std::make_shared<const OutboundPolicy>(std::move(*reachable)),
                            std::move(*channel), trigger});
  return {};
}

Deployment::~Deployment() {
  for (const auto& folder : staged_) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
}

store::queue::Queue* Deployment::queue(std::string_view name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : found->second.get();
}

DeployedComponent* Deployment::find(std::string_view id) const {
  for (const auto& component : components_) {
    if (component->manifest.id == id) return component.get();
  }
  return nullptr;
}

}  // namespace cusp::node
