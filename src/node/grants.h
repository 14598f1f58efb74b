#pragma once

#include <map>
#include <string>

#include "app/app.h"
#include "app/runtime_config.h"
#include "base/result.h"
#include "host/capabilities.h"
#include "store/stores.h"

namespace cusp::node {

// SQL databases that other servers have, by name.
using LibsqlDatabases = std::map<std::string, app::LibsqlDatabase>;

// What an app's stores of these names are in place of this node's own.
struct StoresElsewhere {
  LibsqlDatabases databases;
  std::map<std::string, app::S3Bucket> object_stores;
};

// Opens the stores that the manifest of `app` grants to `component`, and grants them with those
// that are elsewhere. Blocks. Errors: those of Stores, with the component's place as
// context where they have none, and of LibsqlServer::parse() with that of the URL.
Result<> grant_stores(store::Stores& stores, const app::App& app, const app::Component& component,
                      const StoresElsewhere& elsewhere, host::Capabilities& capabilities);

// Opens the databases of which the manifest of `app` says something, with the limits and the schema
// that it asks for (store/sql/migrations.h). How many migrations that took. Blocks. Errors: those
// of Stores and of sql::Database::migrate(), with the migration's file as context; kUnsupported,
// migrations of a database that is elsewhere.
Result<size_t> prepare_databases(store::Stores& stores, const app::App& app,
                                 const LibsqlDatabases& elsewhere);

}  // namespace cusp::node
