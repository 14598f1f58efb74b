#include "node/data_handler.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "edge/percent.h"
#include "io/asio.h"
#include "node/queue_endpoint.h"

namespace cusp::node {

namespace {

using hrana::Endpoint;

constexpr std::string_view kCloudflare = "/client/v4/accounts/";
constexpr std::string_view kQueues = "/queues/";
constexpr std::string_view kNamespaces = "storage/kv/namespaces";

struct Target {
  std::string app;
  std::string name;
  std::string_view rest;  // without slashes before it
};

// Up to the next slash; `path` is what follows it.
std::string_view segment(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view first = path.substr(0, slash);
  path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  return first;
}

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

// No name ends with a label of digits (WHATWG URL, section 3.5).
bool is_address(std::string_view host) {
  const std::string_view name = host.substr(0, host.find(':', host.find(']') + 1));
  const char last = name.empty() ? ']' : name.back();
  return last == ']' || (last >= '0' && last <= '9');
}

// A database by its path, or by a host for clients that know no path.
std::optional<Target> target_of(const http::Request& request) {
  std::string_view path = request.target;
  path = without_slashes(path.substr(0, path.find('?')));
  if (path.starts_with("sql/")) {
    segment(path);
    Target target{.app = edge::percent_decode(segment(path)),
                  .name = edge::percent_decode(segment(path)),
                  .rest = without_slashes(path)};
    return target;
  }
  const std::string_view host = request.authority;
  const size_t first = host.find('.');
  const size_t second = first == host.npos ? host.npos : host.find('.', first + 1);
  if (second == host.npos || is_address(host) || !path.starts_with('v')) return std::nullopt;
  return Target{.app = std::string(host.substr(first + 1, second - first - 1)),
                .name = std::string(host.substr(0, first)),
                .rest = path};
}

const std::vector<std::string>& of_kind(const app::Component& component, StoreKind kind) {
  switch (kind) {
    case StoreKind::kSql: return component.sqlite_databases;
    case StoreKind::kQueue: return component.queues;
    default: return component.key_value_stores;
  }
}

}  // namespace

void DataHandler::set_apps(std::shared_ptr<const AppTable> apps) {
  const std::lock_guard lock(mutex_);
  apps_ = std::move(apps);
}

std::vector<store::kv::StoreName> DataHandler::stores(StoreKind kind) {
  const auto apps = [&] {
    const std::lock_guard lock(mutex_);
    return apps_;
  }();
  std::vector<store::kv::StoreName> names;
  for (const auto& deployment : apps->apps()) {
    const app::App& app = deployment->app();
    const auto add = [&](const std::string& name) {
      if (kind == StoreKind::kSql && deployment->elsewhere(name)) return;
      store::kv::StoreName found{app.name, name};
      if (std::ranges::find(names, found) == names.end()) names.push_back(std::move(found));
    };
    for (const auto& component : app.components)
      std::ranges::for_each(of_kind(component, kind), add);
    if (kind != StoreKind::kQueue) continue;
    for (const auto& trigger : app.queue_triggers) add(trigger.queue);
  }
  return names;
}

bool DataHandler::has(StoreKind kind, const store::kv::StoreName& name) {
  const auto names = stores(kind);
  return std::ranges::find(names, name) != names.end();
}

io::Task<http::Response> DataHandler::respond(http::Request& request) {
  const bool key_values = request.target.starts_with(kCloudflare);
  TokenPtr token = tokens_.authenticate(request.fields.get("authorization").value_or(""));
  const bool queue = request.target.starts_with(kQueues);
  if (!token) {
    constexpr std::string_view kText =
        "this needs a token of the application, as `cusp token create` makes them";
    auto refused = queue ? queue_failure(401, kText)
                   : key_values
                       ? kv_rest::Endpoint::failure(401, kv_rest::Endpoint::kAuthentication, kText)
                       : Endpoint::failure(401, "UNAUTHORIZED", kText);
    refused.fields.add("www-authenticate", "Bearer realm=\"cusp\"");
    co_return refused;
  }
  if (queue) co_return co_await respond_queue(request, std::move(token));
  if (key_values) co_return co_await respond_key_values(request, std::move(token));
  co_return co_await respond_sql(request, std::move(token));
}

io::Task<http::Response> DataHandler::respond_sql(http::Request& request, TokenPtr token) {
  const auto target = target_of(request);
  if (!target) {
    co_return Endpoint::failure(404, "NOT_FOUND",
                                "there is nothing here; databases are at /sql/APP/DATABASE/");
  }
  if (!token->grant.allows(target->app, StoreKind::kSql, target->name, Access::kRead)) {
    co_return Endpoint::failure(403, "FORBIDDEN", "the token is not for this database");
  }
  if (!has(StoreKind::kSql, {target->app, target->name})) {
    co_return Endpoint::failure(
        404, "NOT_FOUND",
        fmt::format("the application '{}' has no SQL database '{}': no component names it in "
                    "'sqlite_databases'",
                    target->app, target->name));
  }
  hrana::Caller caller{.token = std::move(token), .app = target->app, .database = target->name};
  co_return co_await hrana_.respond(request, std::move(caller), target->rest);
}

io::Task<http::Response> DataHandler::respond_key_values(http::Request& request, TokenPtr token) {
  using kv_rest::Endpoint;
  std::string_view path = request.target;
  path = path.substr(kCloudflare.size(), path.find('?') - kCloudflare.size());
  segment(path);  // the account
  if (!path.starts_with(kNamespaces)) {
    co_return Endpoint::failure(404, Endpoint::kNoRoute, "there is no such endpoint");
  }
  path.remove_prefix(kNamespaces.size());
  const TokenGrant& grant = token->grant;
  const auto may_read = [&](const store::kv::StoreName& name) {
    return grant.allows(name.app, StoreKind::kKeyValue, name.store, Access::kRead);
  };
  if (path.empty() && request.method == "GET") {
    auto names = stores(StoreKind::kKeyValue);
    std::erase_if(names, [&](const auto& name) { return !may_read(name); });
    co_return Endpoint::list(names);
  }
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::string id = edge::percent_decode(segment(path));
  for (auto& name : stores(StoreKind::kKeyValue)) {
    if (name.app + "." + name.store != id || !may_read(name)) continue;
    const bool writes = grant.allows(name.app, StoreKind::kKeyValue, name.store, Access::kWrite);
    co_return co_await key_values_.respond(request, std::move(name), writes, path);
  }
  co_return Endpoint::failure(
      404, Endpoint::kNamespaceNotFound,
      "there is no namespace of this id for this token; an id reads APP.STORE");
}

io::Task<http::Response> DataHandler::respond_queue(http::Request& request, TokenPtr token) {
  std::string_view path = request.target;
  path.remove_prefix(kQueues.size());
  const store::kv::StoreName name{.app = edge::percent_decode(segment(path)),
                                  .store = edge::percent_decode(segment(path))};
  constexpr std::string_view kMessages = "messages";
  if (!path.starts_with(kMessages)) {
    co_return queue_failure(404, "messages are sent to /queues/APP/QUEUE/messages");
  }
  if (!token->grant.allows(name.app, StoreKind::kQueue, name.store, Access::kWrite)) {
    co_return queue_failure(403, "the token is not for sending to this queue");
  }
  if (!has(StoreKind::kQueue, name)) {
    co_return queue_failure(
        404, fmt::format("the application '{}' has no queue '{}': no trigger and no component "
                         "names it",
                         name.app, name.store));
  }
  // Opened with the application that names it.
  const auto opened = stores_.queue(name.app, name.store);
  if (!opened) co_return queue_failure(503, opened.error().message);
  path.remove_prefix(kMessages.size());
  co_return co_await send_to_queue(request, **opened, path);
}

}  // namespace cusp::node
