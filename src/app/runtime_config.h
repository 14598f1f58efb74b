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

// A bucket of an S3 service that is an app's object store ("type" of [object_store.NAME] is "s3").
struct S3Bucket {
  std::string scheme;     // "http" or "https"
  std::string authority;  // "us-east-1.linodeobjects.com", "127.0.0.1:9000"
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;       // of the keys there, which the app does not see
  bool path_style = false;  // the bucket stands in the path; otherwise before the authority
  std::string access_key_id;
  std::string secret_access_key;
};

// What a runtime-config.toml of Spin's says.
struct RuntimeConfig {
  // [[config_provider]] / [[variables_provider]] in their order. Spin asks the environment after
  // these: the caller appends it.
  std::vector<std::unique_ptr<VariableProvider>> providers;
  // By the name that components know them by.
  std::map<std::string, LibsqlDatabase> databases;
  std::map<std::string, S3Bucket> object_stores;
};

// Providers are "env", "static", and "vault", which `vault` makes; "azure_key_vault" answers
// kUnsupported. Other tables of the file that Spin knows are accepted, unknown keys are errors with
// file:line:column.
Result<RuntimeConfig> load_runtime_config(const std::string& path, const VaultFactory& vault);

}  // namespace cusp::app
