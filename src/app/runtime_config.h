#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/variables.h"
#include "base/result.h"

namespace cusp::app {

// A database that a libSQL or Turso server has ("type" of [sqlite_database.NAME] is "libsql").
struct LibsqlDatabase {
  std::string url;    // as it stands there
  std::string token;  // may be empty
  std::string place;  // of the url
};

// What a runtime-config.toml of Spin's says.
struct RuntimeConfig {
  // [[config_provider]] / [[variables_provider]] in their order. Spin asks the environment after
  // these: the caller appends it.
  std::vector<std::unique_ptr<VariableProvider>> providers;
  // By the name that components know them by.
  std::map<std::string, LibsqlDatabase> databases;
};

// Providers are "env", "static", and "vault", which `vault` makes; "azure_key_vault" answers
// kUnsupported. Other tables of the file that Spin knows are accepted, unknown keys are errors with
// file:line:column.
Result<RuntimeConfig> load_runtime_config(const std::string& path, const VaultFactory& vault);

}  // namespace cusp::app
