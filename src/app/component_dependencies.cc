#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "app/component_reader.h"
#include "app/identifiers.h"
#include "base/suggest.h"

// The [component.x.dependencies] part of ComponentReader.
namespace cusp::app {
namespace {

// Each pair of them is compared.
constexpr size_t kDependenciesMax = 256;

const std::vector<std::string> kInheritableKeys = {
    "ai_models",        "allowed_outbound_hosts", "environment", "files",
    "key_value_stores", "sqlite_databases",       "variables"};

struct DependencyName {
  std::string_view package;
  std::string_view interface;
  std::string compatible_version;  // what semver-compatible versions have in common
};

// Of a version, the part that a compatible one must share (semver.org, rule 8; 0.x as Cargo does).
std::string compatible_version(std::string_view version) {
  version = version.substr(0, version.find('+'));
  if (version.find('-') != std::string_view::npos) return std::string(version);
  size_t minor = version.find('.');
  if (version.substr(0, minor) != "0") return std::string(version.substr(0, minor));
  size_t patch = version.find('.', minor + 1);
  if (version.substr(minor + 1, patch - minor - 1) != "0") {
    return std::string(version.substr(0, patch));
  }
  return std::string(version);
}

DependencyName split_name(std::string_view text) {
  size_t at = text.find('@');
  std::string_view name = text.substr(0, at);
  size_t slash = std::min(name.find('/'), name.size());
  DependencyName result{.package = name.substr(0, slash)};
  if (slash < name.size()) result.interface = name.substr(slash + 1);
  if (at != std::string_view::npos) {
    result.compatible_version = compatible_version(text.substr(at + 1));
  }
  return result;
}

// Whether both could satisfy one and the same import.
bool overlap(const DependencyName& a, const DependencyName& b) {
  if (a.package != b.package) return false;
  bool both_versions = !a.compatible_version.empty() && !b.compatible_version.empty();
  if (both_versions && a.compatible_version != b.compatible_version) return false;
  bool both_interfaces = !a.interface.empty() && !b.interface.empty();
  return !both_interfaces || a.interface == b.interface;
}

void refuse_registry(const Value& value) {
  value.error(fmt::format("the dependency '{}' comes from a registry, which is not supported; "
                          "download it and write {{ path = \"…\" }}",
                          value.name()),
              ErrorCode::kUnsupported);
}

void read_inheritance(const Value& value, Dependency& dependency) {
  if (value.is_boolean()) {
    dependency.inherit_configuration = *value.boolean();
  } else if (value.is_array()) {
    dependency.inherited_keys = value.strings();
    for (const std::string& key : dependency.inherited_keys) {
      if (std::ranges::find(kInheritableKeys, key) != kInheritableKeys.end()) continue;
      value.error(fmt::format("'{}' cannot be inherited{}", key, suggest(key, kInheritableKeys)));
    }
  } else {
    value.wrong_type("true, false or an array of keys");
  }
}

// What `component` has that a dependency would silently lose.
std::vector<std::string_view> own_permissions(const Component& component) {
  std::vector<std::string_view> names;
  if (!component.ai_models.empty()) names.push_back("ai_models");
  if (!component.allowed_outbound_hosts.empty()) names.push_back("allowed_outbound_hosts");
  if (!component.dependencies.empty()) names.push_back("dependencies");
  if (!component.environment.empty()) names.push_back("environment");
  if (!component.files.empty()) names.push_back("files");
  if (!component.key_value_stores.empty()) names.push_back("key_value_stores");
  if (!component.sqlite_databases.empty()) names.push_back("sqlite_databases");
  if (!component.variables.empty()) names.push_back("variables");
  return names;
}

}  // namespace

void ComponentReader::read_dependencies(TableReader& table, Component& component,
                                        std::optional<bool> inherit_all) {
  auto dependencies = table.table("dependencies");
  if (!dependencies) return;
  for (const TableReader::Entry& entry : dependencies->entries()) {
    if (auto problem = check_dependency_name(entry.key); !problem.empty()) {
      table.diagnostics().add(entry.key_place, fmt::format("'{}' is not the name of an import: {}",
                                                           entry.key, problem));
    }
    Dependency dependency{.import_name = entry.key};
    bool states_inheritance = read_dependency(entry, dependency);
    if (inherit_all && states_inheritance) {
      entry.value.error(
          "'inherit_configuration' and 'dependencies_inherit_configuration' exclude "
          "each other; keep one");
    }
    if (inherit_all) dependency.inherit_configuration = *inherit_all;
    auto same = std::ranges::find(component.dependencies, entry.key, &Dependency::import_name);
    if (same != component.dependencies.end()) {
      *same = std::move(dependency);  // a profile overrides
    } else {
      component.dependencies.push_back(std::move(dependency));
    }
  }
  check_overlaps(*dependencies, component);
}

void ComponentReader::check_overlaps(const TableReader& table, const Component& component) {
  const auto& all = component.dependencies;
  if (all.size() > kDependenciesMax) {
    table.error(fmt::format("a component may have at most {} dependencies", kDependenciesMax),
                ErrorCode::kResourceExhausted);
    return;
  }
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (!overlap(split_name(all[i].import_name), split_name(all[j].import_name))) continue;
      table.error(fmt::format("the dependencies '{}' and '{}' overlap; one import needs one answer",
                              all[j].import_name, all[i].import_name));
    }
  }
}

// Answers whether the entry says what it inherits.
bool ComponentReader::read_dependency(const TableReader::Entry& entry, Dependency& dependency) {
  if (entry.value.is_string()) {
    refuse_registry(entry.value);
    return false;
  }
  auto table = entry.value.table(fmt::format("the dependency '{}'", entry.key));
  if (!table) return false;
  if (table->has("version") || table->has("registry") || table->has("package")) {
    refuse_registry(entry.value);
    return false;
  }
  auto path = table->string("path");
  auto referenced = table->value("component");
  bool has_url = table->has("url") || table->has("digest");
  if (path.has_value() + referenced.has_value() + has_url != 1) {
    table->error(
        fmt::format("the dependency '{}' needs exactly one of 'path', 'url' with 'digest' "
                    "and 'component'",
                    entry.key));
  }
  if (path) dependency.source.path = absolute(*path);
  if (has_url) dependency.source = read_remote(*table);
  dependency.export_name = table->string_or("export", "");
  bool is_whole_package =
      entry.key.find(':') != std::string::npos && entry.key.find('/') == std::string::npos;
  if (is_whole_package && !dependency.export_name.empty()) {
    table->error(
        fmt::format("'{}' stands for all interfaces of a package, so it cannot have an "
                    "'export'",
                    entry.key));
  }
  auto inheritance = table->value("inherit_configuration");
  if (inheritance) read_inheritance(*inheritance, dependency);
  if (referenced) {
    if (auto id = referenced->string()) {
      references_.push_back({app_.components.size(), entry.key, *id, *referenced});
    }
  }
  table->finish();
  return inheritance.has_value();
}

void ComponentReader::resolve_reference(const ComponentReference& reference) {
  check_reference(reference.value, reference.id);
  const Component* target = app_.find_component(reference.id);
  if (!target) return;
  Component& component = app_.components[reference.component];
  if (auto lost = own_permissions(*target); !lost.empty()) {
    reference.value.error(fmt::format(
        "the component '{}' cannot be a dependency of '{}', since it has resources or permissions "
        "of its own: {}",
        target->id, component.id, fmt::join(lost, ", ")));
  }
  auto dependency =
      std::ranges::find(component.dependencies, reference.import_name, &Dependency::import_name);
  if (dependency != component.dependencies.end()) dependency->source = target->source;
}

}  // namespace cusp::app
