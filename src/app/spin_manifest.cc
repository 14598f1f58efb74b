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

// `redis_address` gets what triggers for Redis have in common.
void read_application(TableReader& root, App& app, std::string& redis_address) {
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
  // Settings of whole trigger types. That of HTTP Spin no longer applies.
  if (auto triggers = application->table("trigger")) {
    for (const TableReader::Entry& entry : triggers->entries()) {
      auto settings = entry.value.table(fmt::format("[application.trigger.{}]", entry.key));
      if (settings && entry.key == "redis") {
        redis_address = settings->string_or("address", "");
        settings->finish();
      }
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

// The component of a trigger: the id of one, or one that stands here. "": it was neither, which is
// reported.
std::string read_component(TableReader& trigger, ComponentReader& components,
                           const std::string& trigger_id) {
  auto component = trigger.value("component");
  if (!component) return "";
  if (component->is_string()) {
    std::string id = *component->string();
    components.check_reference(*component, id);
    return id;
  }
  if (component->is_table()) {
    auto table = component->table(fmt::format("the component of trigger '{}'", trigger_id));
    return components.read_inline(*table, trigger_id);
  }
  component->wrong_type("the id of a component or a table");
  return "";
}

std::string read_id(TableReader& trigger, std::string_view type, size_t index) {
  for (std::string_view key : {"components", "dependencies"}) {
    if (auto value = trigger.value(key)) {
      value->error(fmt::format("'{}' of a trigger is not supported", key), ErrorCode::kUnsupported);
    }
  }
  return trigger.string_or("id", fmt::format("{}-trigger{}", type, index + 1));
}

void read_http_trigger(TableReader& trigger, App& app, ComponentReader& components, size_t index) {
  Route route{.place = trigger.place()};
  read_route(trigger, route);
  read_executor(trigger, route);
  const std::string id = read_id(trigger, "http", index);
  auto response = trigger.table("static_response");
  if (trigger.has("component") == trigger.has("static_response")) {
    trigger.error("[[trigger.http]] needs exactly one of 'component' and 'static_response'");
  }
  if (response) route.static_response = read_static_response(*response, "status_code");
  route.component = read_component(trigger, components, id);
  trigger.finish();
  app.routes.push_back(std::move(route));
}

// That of Spin's plugin for schedules. A run never overlaps the one before.
void read_cron_trigger(TableReader& table, App& app, ComponentReader& components, size_t index) {
  CronTrigger trigger{.place = table.place()};
  const std::string id = read_id(table, "cron", index);
  const auto schedule = table.value("cron_expression");
  std::string text = table.required_string("cron_expression");
  if (schedule) read_schedule(*schedule, std::move(text), trigger);
  if (!table.has("component")) table.error("[[trigger.cron]] needs the key 'component'");
  trigger.component = read_component(table, components, id);
  table.finish();
  app.cron_triggers.push_back(std::move(trigger));
}

void read_redis_trigger(TableReader& table, App& app, ComponentReader& components, size_t index,
                        const std::string& address) {
  RedisTrigger trigger{.place = table.place()};
  const std::string id = read_id(table, "redis", index);
  read_redis(table, address, trigger);
  if (!table.has("component")) table.error("[[trigger.redis]] needs the key 'component'");
  trigger.component = read_component(table, components, id);
  table.finish();
  app.redis_triggers.push_back(std::move(trigger));
}

// Reads [trigger]: HTTP, Redis and cron; other types are valid but nothing here starts them.
void read_triggers(TableReader& root, App& app, ComponentReader& components,
                   const std::string& redis_address) {
  auto triggers = root.table("trigger");
  if (!triggers) {
    if (!root.has("trigger")) root.error("the manifest needs at least one [[trigger.http]]");
    return;
  }
  std::vector<TableReader> http = triggers->tables("http", "[[trigger.http]]");
  for (size_t i = 0; i < http.size(); ++i) read_http_trigger(http[i], app, components, i);
  std::vector<TableReader> cron = triggers->tables("cron", "[[trigger.cron]]");
  for (size_t i = 0; i < cron.size(); ++i) read_cron_trigger(cron[i], app, components, i);
  std::vector<TableReader> redis = triggers->tables("redis", "[[trigger.redis]]");
  for (size_t i = 0; i < redis.size(); ++i) {
    read_redis_trigger(redis[i], app, components, i, redis_address);
  }
  const bool none = http.empty() && !app.has_triggers();
  for (const TableReader::Entry& entry : triggers->entries()) {
    if (entry.key == "http" || entry.key == "cron" || entry.key == "redis") continue;
    std::string near = suggest(entry.key, {"http", "cron", "redis"});
    std::string hint = near.find('?') == std::string::npos ? "" : near;
    if (none) {
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
  if (none) triggers->error("the manifest needs at least one [[trigger.http]]");
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
  std::string redis_address;
  read_application(root, app, redis_address);
  app.variables = read_variables(root);
  ComponentReader components(app, options, {.is_spin = true});
  components.read_all(root);
  read_triggers(root, app, components, redis_address);
  components.finish(file.diagnostics());
  drop_duplicate_routes(app);
  check_routes(app, file.diagnostics());
  root.finish();
  CUSP_CHECK(file.diagnostics().result());
  return app;
}

}  // namespace cusp::app
