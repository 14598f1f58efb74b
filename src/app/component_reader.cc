#include "app/component_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "app/identifiers.h"
#include "app/outbound.h"
#include "app/template.h"
#include "base/suggest.h"

namespace cusp::app {
namespace {

constexpr int64_t kUint32Max = std::numeric_limits<uint32_t>::max();

// Reports a template that is malformed or names an unknown variable. Answers whether `text` is
// sound and free of variables.
bool check_template(const App& app, const Value& value, const std::string& text) {
  auto parts = parse_template(text);
  if (!parts) {
    value.error(parts.error().message);
    return false;
  }
  bool is_literal = true;
  for (const TemplatePart& part : *parts) {
    if (!part.is_variable) continue;
    is_literal = false;
    if (app.variables.contains(part.text)) continue;
    std::vector<std::string> names;
    for (const auto& [name, variable] : app.variables) names.push_back(name);
    value.error(fmt::format("'{{{{ {} }}}}' is not in [variables]{}", part.text,
                            suggest(part.text, names)));
  }
  return is_literal;
}

void read_labels(TableReader& table, std::string_view key, std::vector<std::string>& labels) {
  auto value = table.value(key);
  if (!value) return;
  labels = value->strings();
  for (const std::string& label : labels) {
    if (auto problem = check_store_label(label); !problem.empty()) {
      value->error(fmt::format("'{}' in '{}' is not a store name: {}", label, key, problem));
    }
  }
}

std::optional<Build> read_build(TableReader& table, const std::string& directory) {
  auto reader = table.table("build");
  if (!reader) return std::nullopt;
  Build build;
  auto command = reader->value("command");
  if (command) build.commands = command->one_or_many_strings();
  if (!command) reader->error("'build' needs the key 'command' (a string or an array of strings)");
  build.directory = (std::filesystem::path(directory) / reader->string_or("workdir", "."))
                        .lexically_normal()
                        .string();
  build.watch = reader->strings("watch");
  reader->finish();
  return build;
}

Reuse read_reuse(TableReader& table) {
  Reuse reuse;
  auto reader = table.table("reuse");
  if (!reader) return reuse;
  reuse.requests = static_cast<uint32_t>(reader->integer("requests", 1, kUint32Max).value_or(1));
  if (auto idle = reader->value("idle")) reuse.idle = idle->duration().value_or(reuse.idle);
  reader->finish();
  return reuse;
}

template <class T>
void read_count(TableReader& reader, std::string_view key, T& count) {
  auto max = static_cast<int64_t>(std::min<uint64_t>(std::numeric_limits<T>::max(), kUint32Max));
  if (auto value = reader.integer(key, 0, max)) count = static_cast<T>(*value);
}

}  // namespace

void read_limits(TableReader& table, Limits& limits) {
  auto reader = table.table("limits");
  if (!reader) return;
  auto read_bytes = [&](std::string_view key, uint64_t& bytes) {
    if (auto value = reader->value(key)) bytes = value->bytes().value_or(bytes);
  };
  auto read_duration = [&](std::string_view key, std::chrono::milliseconds& duration) {
    if (auto value = reader->value(key)) duration = value->duration().value_or(duration);
  };
  read_bytes("memory", limits.memory_bytes_max);
  read_count(*reader, "table_elements", limits.table_elements_max);
  read_duration("cpu_time", limits.cpu_time_max);
  read_duration("wall_time", limits.wall_time_max);
  read_bytes("body", limits.body_bytes_max);
  read_count(*reader, "subrequests", limits.subrequests_max);
  read_count(*reader, "concurrency", limits.concurrency_max);
  read_count(*reader, "queue", limits.queue_max);
  reader->finish();
}

std::map<std::string, Variable> read_variables(TableReader& root) {
  std::map<std::string, Variable> variables;
  auto table = root.table("variables");
  if (!table) return variables;
  for (const TableReader::Entry& entry : table->entries()) {
    if (auto problem = check_variable_name(entry.key); !problem.empty()) {
      table->diagnostics().add(entry.key_place,
                               fmt::format("'{}' is not a variable name: {}", entry.key, problem));
    }
    auto reader = entry.value.table(fmt::format("[variables] {}", entry.key));
    if (!reader) continue;
    Variable variable;
    reader->ignore("description");
    variable.required = reader->boolean("required").value_or(false);
    variable.secret = reader->boolean("secret").value_or(false);
    variable.default_value = reader->string("default");
    if (variable.required == reader->has("default")) {
      reader->error(fmt::format("the variable '{}' needs either 'required = true' or a 'default'",
                                entry.key));
    }
    reader->finish();
    variables.emplace(entry.key, std::move(variable));
  }
  return variables;
}

void ComponentReader::read_all(TableReader& root) {
  auto components = root.table("component");
  if (!components) return;
  for (const TableReader::Entry& entry : components->entries()) {
    if (auto problem = check_kebab_id(entry.key); !problem.empty()) {
      components->diagnostics().add(
          entry.key_place, fmt::format("'{}' is not a component id: {}", entry.key, problem));
    }
    auto table = entry.value.table(fmt::format("[component.{}]", entry.key));
    if (table) read_component(*table, entry.key);
  }
}

std::string ComponentReader::read_inline(TableReader table, const std::string& trigger_id) {
  std::string id = trigger_id + "-component";
  if (!check_kebab_id(id).empty() || app_.find_component(id)) {
    for (int counter = 1; app_.find_component(id = fmt::format("inline-component{}", counter));) {
      ++counter;
    }
  }
  read_component(table, id);
  return id;
}

void ComponentReader::read_component(TableReader& table, const std::string& id) {
  Component component;
  component.id = id;
  component.place = table.place();
  component.limits = dialect_.limits;
  if (auto source = table.value("source")) {
    component.source = read_source(*source);
  } else {
    table.error(fmt::format("{} needs the key 'source' (a path or a table)", table.what()));
  }
  component.description = table.string_or("description", "");
  component.environment = table.string_map("environment");
  component.build = read_build(table, app_.directory);
  read_labels(table, "key_value_stores", component.key_value_stores);
  read_labels(table, "sqlite_databases", component.sqlite_databases);
  if (!dialect_.is_spin) {
    read_labels(table, "object_stores", component.object_stores);
    read_labels(table, "queues", component.queues);
  }
  component.ai_models = table.strings("ai_models");
  table.ignore("tool");
  if (dialect_.is_spin) table.ignore("targets");
  if (dialect_.has_limits) {
    read_limits(table, component.limits);
    component.reuse = read_reuse(table);
  }
  read_component_variables(table, component);
  read_files(table, component);
  read_outbound_hosts(table, component);
  auto inherit_all = table.boolean("dependencies_inherit_configuration");
  read_dependencies(table, component, inherit_all);
  read_profiles(table, component, inherit_all);
  table.finish();
  app_.components.push_back(std::move(component));
}

void ComponentReader::read_component_variables(TableReader& table, Component& component) {
  auto variables = table.table("variables");
  if (!variables) return;
  for (const TableReader::Entry& entry : variables->entries()) {
    if (auto problem = check_variable_name(entry.key); !problem.empty()) {
      table.diagnostics().add(entry.key_place,
                              fmt::format("'{}' is not a variable name: {}", entry.key, problem));
    }
    auto text = entry.value.string();
    if (!text) continue;
    check_template(app_, entry.value, *text);
    component.variables.emplace(entry.key, std::move(*text));
  }
}

void ComponentReader::read_files(TableReader& table, Component& component) {
  std::vector<std::string> exclude = table.strings("exclude_files");
  auto files = table.value("files");
  if (!files) return;
  for (const Value& item : files->elements()) {
    FileMount mount{.exclude = exclude, .place = item.place()};
    if (item.is_string()) {
      mount.source = *item.string();
    } else if (auto reader = item.table()) {
      mount.source = absolute(reader->required_string("source"));
      mount.destination = reader->required_string("destination");
      reader->finish();
      if (!mount.destination.starts_with('/')) mount.destination.insert(0, "/");
    }
    component.files.push_back(std::move(mount));
  }
}

void ComponentReader::read_outbound_hosts(TableReader& table, Component& component) {
  auto check = [&](const Value& list, const std::string& entry) {
    if (!check_template(app_, list, entry)) return;
    if (auto policy = OutboundPolicy::create({entry}); !policy) list.error(policy.error().message);
  };
  if (auto hosts = table.value("allowed_outbound_hosts")) {
    component.allowed_outbound_hosts = hosts->strings();
    for (const std::string& entry : component.allowed_outbound_hosts) check(*hosts, entry);
  }
  if (!dialect_.is_spin) return;
  auto legacy = table.value("allowed_http_hosts");
  if (!legacy) return;
  std::vector<std::string> converted = convert_http_hosts(legacy->strings());
  for (const std::string& entry : converted) check(*legacy, entry);
  app_.warnings.push_back(fmt::format(
      "{}: 'allowed_http_hosts' is deprecated; write allowed_outbound_hosts in its place",
      legacy->place()));
  component.allowed_outbound_hosts.insert(component.allowed_outbound_hosts.end(), converted.begin(),
                                          converted.end());
}

void ComponentReader::read_profiles(TableReader& table, Component& component,
                                    std::optional<bool> inherit_all) {
  auto profiles = table.table("profile");
  if (!profiles) return;
  for (const TableReader::Entry& entry : profiles->entries()) {
    profiles_.insert(entry.key);
    auto reader =
        entry.value.table(fmt::format("[component.{}.profile.{}]", component.id, entry.key));
    if (!reader) continue;
    if (entry.key == options_.profile) {
      read_profile(*reader, component, inherit_all);
      continue;
    }
    // Those that are not asked for are read as well, so that their mistakes show.
    Component unused = component;
    size_t references = references_.size();
    read_profile(*reader, unused, inherit_all);
    references_.erase(references_.begin() + static_cast<ptrdiff_t>(references), references_.end());
  }
}

void ComponentReader::read_profile(TableReader& table, Component& component,
                                   std::optional<bool> inherit_all) {
  if (auto source = table.value("source")) component.source = read_source(*source);
  for (auto& [name, value] : table.string_map("environment")) {
    component.environment.insert_or_assign(name, value);
  }
  if (auto build = table.table("build")) {
    if (!component.build) component.build = Build{.directory = app_.directory};
    auto command = build->value("command");
    if (command) component.build->commands = command->one_or_many_strings();
    if (!command) build->error("'build' needs the key 'command'");
    build->finish();
  }
  read_dependencies(table, component, inherit_all);
  table.finish();
}

Source ComponentReader::read_source(const Value& value) const {
  if (value.is_string()) return {.path = absolute(*value.string())};
  if (!value.is_table()) {
    value.wrong_type("a path or a table { url, digest }");
    return {};
  }
  auto table = value.table();
  if (table->has("registry") || table->has("package")) {
    value.error(
        "components from a registry are not supported; download the component and give "
        "its path, or a url with its digest",
        ErrorCode::kUnsupported);
    return {};
  }
  Source source = read_remote(*table);
  table->finish();
  return source;
}

Source ComponentReader::read_remote(TableReader& table) const {
  Source source{.url = table.required_string("url"), .digest = table.required_string("digest")};
  if (!source.url.starts_with("https://") && !source.url.starts_with("http://")) {
    table.error(fmt::format("'{}' is not an https:// URL", source.url));
  }
  if (auto problem = check_sha256_digest(source.digest); !problem.empty()) {
    table.error(fmt::format("'{}' is not a digest: {}", source.digest, problem));
  }
  return source;
}

void ComponentReader::finish(Diagnostics& diagnostics) {
  for (const ComponentReference& reference : references_) resolve_reference(reference);
  if (options_.profile.empty() || profiles_.contains(options_.profile)) return;
  diagnostics.add(diagnostics.file(),
                  fmt::format("no component has a profile '{}'{}", options_.profile,
                              suggest(options_.profile, {profiles_.begin(), profiles_.end()})));
}

void ComponentReader::check_reference(const Value& value, const std::string& id) const {
  if (app_.find_component(id)) return;
  value.error(fmt::format("there is no component '{}'{}", id, suggest(id, component_ids())));
}

std::vector<std::string> ComponentReader::component_ids() const {
  std::vector<std::string> ids;
  for (const Component& component : app_.components) ids.push_back(component.id);
  return ids;
}

std::string ComponentReader::absolute(const std::string& path) const {
  return (std::filesystem::path(app_.directory) / path).lexically_normal().string();
}

}  // namespace cusp::app
