#include "node/data_handler.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "edge/percent.h"
#include "io/asio.h"

namespace cusp::node {

namespace {

using hrana::Endpoint;

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

}  // namespace

void DataHandler::set_apps(std::shared_ptr<const AppTable> apps) {
  const std::lock_guard lock(mutex_);
  apps_ = std::move(apps);
}

bool DataHandler::has_database(std::string_view app, std::string_view name) {
  const auto apps = [&] {
    const std::lock_guard lock(mutex_);
    return apps_;
  }();
  const auto names = [&](const auto& component) {
    const auto& databases = component.sqlite_databases;
    return std::ranges::find(databases, name) != databases.end();
  };
  return std::ranges::any_of(apps->apps(), [&](const auto& deployment) {
    return deployment->app().name == app &&
           std::ranges::any_of(deployment->app().components, names);
  });
}

io::Task<http::Response> DataHandler::respond(http::Request& request) {
  const auto target = target_of(request);
  if (!target) {
    co_return Endpoint::failure(404, "NOT_FOUND",
                                "there is nothing here; databases are at /sql/APP/DATABASE/");
  }
  TokenPtr token = tokens_.authenticate(request.fields.get("authorization").value_or(""));
  if (!token) {
    auto refused = Endpoint::failure(
        401, "UNAUTHORIZED",
        "this needs a token of the application, as `cusp token create` makes them");
    refused.fields.add("www-authenticate", "Bearer realm=\"cusp\"");
    co_return refused;
  }
  if (!token->grant.allows(target->app, StoreKind::kSql, target->name, Access::kRead)) {
    co_return Endpoint::failure(403, "FORBIDDEN", "the token is not for this database");
  }
  if (!has_database(target->app, target->name)) {
    co_return Endpoint::failure(
        404, "NOT_FOUND",
        fmt::format("the application '{}' has no SQL database '{}': no component names it in "
                    "'sqlite_databases'",
                    target->app, target->name));
  }
  hrana::Caller caller{.token = std::move(token), .app = target->app, .database = target->name};
  co_return co_await hrana_.respond(request, std::move(caller), target->rest);
}

}  // namespace cusp::node
