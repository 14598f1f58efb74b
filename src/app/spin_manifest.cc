#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "app/component_reader.h"
#include "app/manifest.h"
#include "app/route_reader.h"
#include "app/routes.h"
#include "base/suggest.h"

namespace cusp::app {
namespace {

void check_version(TableReader& root) {
  auto version = root.value("spin_manifest_version");
  if (!version) {
    root.error("the manifest needs 'spin_manifest_version = 2'");
    return;
  }
  // Version 1 was written as a string, "1".
  auto number = version->is_string() ? std::nullopt : version->integer(0, 1000);
  if (number == 2 || (!number && !version->is_string())) return;
  version->error(
      "only spin_manifest_version 2 is supported; upgrade the manifest with `spin doctor`, or see "
      "docs/formats/spin-toml.md for what changed");
}

void read_application(TableReader& root, App& app) {
  auto application = root.table("application");
  if (!application) {
    if (!root.has("application")) root.error("the manifest needs a table [application]");
    return;
  }
  app.name = application->required_string("name");
  app.version = application->string_or("version", "");
  app.description = application->string_or("description", "");
  application->strings("authors");
  application->ignore("targets");
  application->ignore("tool");
  // Settings of whole trigger types; HTTP has but one, which Spin no longer applies.
  if (auto triggers = application->table("trigger")) {
    for (const TableReader::Entry& entry : triggers->entries()) {
      auto settings = entry.value.table(fmt::format("[application.trigger.{}]", entry.key));
      if (!settings || entry.key != "http") continue;
      auto base = settings->value("base");
      if (base && base->string() != "/") {
        base->error("a 'base' other than \"/\" is not supported; put it before each route",
                    ErrorCode::kUnsupported);
      }
      settings->finish();
    }
  }
  application->finish();
}

void read_route(TableReader& trigger, Route& route) {
  auto value = trigger.value("route");
  if (!value) {
    trigger.error("[[trigger.http]] needs the key 'route' (a string or { private = true })");
  } else if (value->is_table()) {
    auto table = value->table();
    route.is_private = table->boolean("private").value_or(false);
    if (!route.is_private) value->error("a route is a string or { private = true }");
    table->finish();
  } else if (value->is_string()) {
    route.pattern = *value->string();
  } else {
    value->wrong_type("a string or { private = true }");
  }
}

void read_http_trigger(TableReader& trigger, App& app, ComponentReader& components, size_t index) {
  Route route{.place = trigger.place()};
  read_route(trigger, route);
  read_executor(trigger, route);
  std::string id = trigger.string_or("id", fmt::format("http-trigger{}", index + 1));
  for (std::string_view key : {"components", "dependencies"}) {
    if (auto value = trigger.value(key)) {
      value->error(fmt::format("'{}' of a trigger is not supported", key), ErrorCode::kUnsupported);
    }
  }
  auto component = trigger.value("component");
  auto response = trigger.table("static_response");
  if (component.has_value() == trigger.has("static_response")) {
    trigger.error("[[trigger.http]] needs exactly one of 'component' and 'static_response'");
  }
  if (response) route.static_response = read_static_response(*response, "status_code");
  if (component && component->is_string()) {
    route.component = *component->string();
    components.check_reference(*component, route.component);
  } else if (component && component->is_table()) {
    auto table = component->table(fmt::format("the component of trigger '{}'", id));
    route.component = components.read_inline(*table, id);
  } else if (component) {
    component->wrong_type("the id of a component or a table");
  }
  trigger.finish();
  app.routes.push_back(std::move(route));
}

// Reads [trigger]: HTTP; other types are valid but nothing here starts them.
void read_triggers(TableReader& root, App& app, ComponentReader& components) {
  auto triggers = root.table("trigger");
  if (!triggers) {
    if (!root.has("trigger")) root.error("the manifest needs at least one [[trigger.http]]");
    return;
  }
  std::vector<TableReader> http = triggers->tables("http", "[[trigger.http]]");
  for (size_t i = 0; i < http.size(); ++i) read_http_trigger(http[i], app, components, i);
  for (const TableReader::Entry& entry : triggers->entries()) {
    if (entry.key == "http") continue;
    std::string near = suggest(entry.key, {"http"});
    std::string hint = near.find('?') == std::string::npos ? "" : near;
    if (http.empty()) {
      triggers->diagnostics().add(
          entry.key_place,
          fmt::format("triggers of type '{}' are not supported, and there is no [[trigger.http]]{}",
                      entry.key, hint),
          ErrorCode::kUnsupported);
    }
    app.warnings.push_back(
        fmt::format("{}: triggers of type '{}' are not supported; their components are loaded but "
                    "nothing starts them{}",
                    entry.key_place, entry.key, hint));
  }
  if (http.empty()) triggers->error("the manifest needs at least one [[trigger.http]]");
}

// Spin serves an application with duplicate routes and lets the last one win.
void drop_duplicate_routes(App& app) {
  std::map<std::string, std::string> last_places;
  for (const Route& route : app.routes) {
    if (!route.is_private) last_places.insert_or_assign(route.pattern, route.place);
  }
  std::erase_if(app.routes, [&](const Route& route) {
    if (route.is_private || last_places.at(route.pattern) == route.place) return false;
    app.warnings.push_back(fmt::format("{}: the route '{}' is never used, since {} has it again",
                                       route.place, route.pattern, last_places.at(route.pattern)));
    return true;
  });
}

}  // namespace

Result<App> parse_spin_manifest(std::string_view text, const std::string& path,
                                const LoadOptions& options) {
  CUSP_TRY(TomlFile file, TomlFile::parse(text, path));
  TableReader root = file.root();
  App app{.kind = ManifestKind::kSpin,
          .manifest_path = std::filesystem::absolute(path).lexically_normal().string()};
  app.directory = std::filesystem::path(app.manifest_path).parent_path().string();
  check_version(root);
  // A manifest of another version is another language: its keys would only be noise.
  CUSP_CHECK(file.diagnostics().result());
  read_application(root, app);
  app.variables = read_variables(root);
  ComponentReader components(app, options, {.is_spin = true});
  components.read_all(root);
  read_triggers(root, app, components);
  components.finish(file.diagnostics());
  drop_duplicate_routes(app);
  check_routes(app, file.diagnostics());
  root.finish();
  CUSP_CHECK(file.diagnostics().result());
  return app;
}

}  // namespace cusp::app
