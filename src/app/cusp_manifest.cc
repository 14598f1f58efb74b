#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "app/component_reader.h"
#include "app/database_reader.h"
#include "app/identifiers.h"
#include "app/manifest.h"
#include "app/route_reader.h"
#include "app/triggers.h"
#include "base/suggest.h"

namespace cusp::app {
namespace {

constexpr std::array kRedirectStatuses{301, 302, 303, 307, 308};
constexpr int64_t kRedirectStatus = 308;  // keeps method and body (RFC 9110 section 15.4.9)

void read_hosts(TableReader& root, App& app) {
  auto hosts = root.value("hosts");
  if (!hosts) return;
  app.hosts = hosts->strings();
  for (std::string& host : app.hosts) {
    if (auto problem = check_host_pattern(host); !problem.empty()) {
      hosts->error(fmt::format("'{}' in 'hosts' is not a host name: {}", host, problem));
    }
    std::ranges::transform(host, host.begin(), [](unsigned char c) { return std::tolower(c); });
  }
}

StaticResponse read_redirect(const Value& value) {
  StaticResponse response;
  int64_t status = kRedirectStatus;
  std::optional<std::string> target;
  if (value.is_string()) {
    target = value.string();
  } else if (auto table = value.table()) {
    target = table->required_string("to");
    status = table->integer("status", 300, 399).value_or(status);
    table->finish();
  }
  if (std::ranges::find(kRedirectStatuses, status) == kRedirectStatuses.end()) {
    value.error("the status of a redirect is 301, 302, 303, 307 or 308");
  }
  if (target && (target->empty() || std::ranges::any_of(*target, [](unsigned char c) {
                   return c <= 0x20 || c >= 0x7f;
                 }))) {
    value.error("a redirect needs a URL or a path, percent-encoded");
  }
  response.status = static_cast<uint16_t>(status);
  response.headers.emplace_back("location", target.value_or(""));
  return response;
}

void read_route(TableReader& table, App& app, const ComponentReader& components) {
  Route route{.position = app.routes.size(), .place = table.place()};
  route.pattern = table.required_string("path");
  if (!route.pattern.empty() && !route.pattern.starts_with('/')) {
    table.error(fmt::format("the path '{}' must begin with '/'", route.pattern));
  }
  auto component = table.value("component");
  auto response = table.value("static");
  auto redirect = table.value("redirect");
  // What these two hold is for the edge to read.
  const size_t others = table.has("upstream") + table.has("assets");
  for (const std::string_view key : {"upstream", "assets", "edge"}) table.ignore(key);
  if (component.has_value() + response.has_value() + redirect.has_value() + others != 1) {
    table.error(
        "[[route]] needs exactly one of 'component', 'upstream', 'assets', 'static' and "
        "'redirect'");
  }
  if (component) {
    route.component = component->string().value_or("");
    components.check_reference(*component, route.component);
    read_executor(table, route);
  }
  if (response) {
    if (auto reader = response->table()) {
      route.static_response = read_static_response(*reader, "status");
    }
  }
  if (redirect) route.static_response = read_redirect(*redirect);
  table.finish();
  app.routes.push_back(std::move(route));
}

void read_routes(TableReader& root, App& app, const ComponentReader& components) {
  for (TableReader& table : root.tables("route")) read_route(table, app, components);
  if (!app.routes.empty() || root.has("route")) return;
  if (app.has_triggers()) return;  // not for the outside
  if (app.components.size() == 1) {
    const Component& only = app.components.front();
    app.routes.push_back({.pattern = "/...", .component = only.id, .place = only.place});
  } else {
    root.error("the manifest needs a [[route]], unless it has exactly one component");
  }
}

}  // namespace

Result<App> parse_cusp_manifest(std::string_view text, const std::string& path,
                                const LoadOptions& options) {
  CUSP_TRY(TomlFile parsed, TomlFile::parse(text, path));
  auto document = std::make_shared<TomlFile>(std::move(parsed));
  TomlFile& file = *document;
  TableReader root = file.root();
  App app{.kind = ManifestKind::kCusp,
          .manifest_path = std::filesystem::absolute(path).lexically_normal().string()};
  app.directory = std::filesystem::path(app.manifest_path).parent_path().string();
  app.name = root.required_string("name");
  app.version = root.string_or("version", "");
  app.description = root.string_or("description", "");
  for (const std::string_view key : {"tool", "edge", "upstream"}) root.ignore(key);
  read_hosts(root, app);
  app.variables = read_variables(root);
  ComponentReader::Dialect dialect{.has_limits = true};
  read_limits(root, dialect.limits);
  ComponentReader components(app, options, dialect);
  components.read_all(root);
  read_databases(root, app);
  read_triggers(root, app);
  read_routes(root, app, components);
  components.finish(file.diagnostics());
  check_routes(app, file.diagnostics());
  root.finish();
  CUSP_CHECK(file.diagnostics().result());
  app.document = std::move(document);
  return app;
}

}  // namespace cusp::app
