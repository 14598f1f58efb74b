#pragma once

#include "app/app.h"
#include "base/result.h"
#include "host/capabilities.h"
#include "store/stores.h"

namespace cusp::node {

// Opens the stores that the manifest grants to `component` of the app named `app`, and grants them.
// Blocks. Errors: those of Stores, with the component's place as context where they have none.
Result<> grant_stores(store::Stores& stores, const std::string& app,
                      const app::Component& component, host::Capabilities& capabilities);

// Opens the databases of which the manifest of `app` says something, with the limits and the schema
// that it asks for (store/sql/migrations.h). How many migrations that took. Blocks. Errors: those
// of Stores and of sql::Database::migrate(), with the migration's file as context.
Result<size_t> prepare_databases(store::Stores& stores, const app::App& app);

}  // namespace cusp::node
