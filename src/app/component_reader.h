#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/app.h"
#include "base/table_reader.h"

// The part that spin.toml and cusp.toml have in common: application variables and components.
// Everything reports to the diagnostics of the reader it is given.
namespace cusp::app {

// Reads [limits] into what `limits` holds already.
void read_limits(TableReader& table, Limits& limits);

// Reads [variables].
std::map<std::string, Variable> read_variables(TableReader& root);

// Reads components of one manifest into an App.
class ComponentReader {
 public:
  // What the two formats do differently.
  struct Dialect {
    bool has_limits = false;  // `limits` and `reuse`
    bool is_spin = false;     // `allowed_http_hosts`, `targets`
    Limits limits;            // of a component that says nothing
  };

  // All referents must outlive the reader.
  ComponentReader(App& app, const LoadOptions& options, Dialect dialect)
      : app_(app), options_(options), dialect_(std::move(dialect)) {}

  // Reads every [component.ID].
  void read_all(TableReader& root);
  // Reads one that a trigger defines in place, and names it. Answers the id.
  std::string read_inline(TableReader table, const std::string& trigger_id);
  // Resolves what refers to other components, and checks templates and the profile. Call last.
  void finish(Diagnostics& diagnostics);

  // Reports a reference to a component that does not exist.
  void check_reference(const Value& value, const std::string& id) const;

 private:
  struct ComponentReference {  // a dependency of the form { component = "id" }
    size_t component;          // index of the one that has the dependency
    std::string import_name;
    std::string id;
    Value value;
  };

  void read_component(TableReader& table, const std::string& id);
  void read_component_variables(TableReader& table, Component& component);
  void read_files(TableReader& table, Component& component);
  void read_outbound_hosts(TableReader& table, Component& component);
  // `inherit_all` is dependencies_inherit_configuration, when it is there.
  void read_dependencies(TableReader& table, Component& component, std::optional<bool> inherit_all);
  void read_profiles(TableReader& table, Component& component, std::optional<bool> inherit_all);
  void read_profile(TableReader& table, Component& component, std::optional<bool> inherit_all);
  bool read_dependency(const TableReader::Entry& entry, Dependency& dependency);
  void check_overlaps(const TableReader& table, const Component& component);
  void resolve_reference(const ComponentReference& reference);
  Source read_source(const Value& value) const;
  Source read_remote(TableReader& table) const;
  std::string absolute(const std::string& path) const;
  std::vector<std::string> component_ids() const;

  App& app_;
  const LoadOptions& options_;
  Dialect dialect_;
  std::set<std::string> profiles_;
  std::vector<ComponentReference> references_;
};

}  // namespace cusp::app
