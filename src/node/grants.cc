#include "node/grants.h"

#include <fmt/format.h>

#include "base/log.h"
#include "host/key_value.h"
#include "host/libsql.h"
#include "host/object_store.h"
#include "host/sqlite.h"
#include "node/s3_client/objects.h"

namespace cusp::node {

namespace {

store::sql::Limits limits_of(const app::SqlDatabase& database) {
  return {.database_bytes_max = database.bytes_max,
          .rows_max = database.rows_max,
          .result_bytes_max = database.result_bytes_max,
          .time_max = database.time_max};
}

Result<std::shared_ptr<host::SqlDatabase>> find_database(store::Stores& stores, const app::App& app,
                                                         const std::string& name,
                                                         const LibsqlDatabases& elsewhere) {
  const auto found = elsewhere.find(name);
  if (found == elsewhere.end()) {
    CUSP_TRY(auto database, stores.sql(app.name, name));
    return host::make_embedded_database(std::move(database));
  }
  auto server = host::LibsqlServer::parse(found->second.url);
  if (!server) return fail(server.error().code, server.error().message, found->second.place);
  store::sql::Limits bounds;
  for (const auto& database : app.databases) {
    if (database.name == name) bounds = limits_of(database);
  }
  return host::make_libsql_database(std::move(*server), found->second.token, bounds);
}

Result<std::shared_ptr<host::ObjectBackEnd>> find_objects(store::Stores& stores,
                                                          const app::App& app,
                                                          const std::string& name,
                                                          const StoresElsewhere& elsewhere) {
  const auto found = elsewhere.object_stores.find(name);
  if (found != elsewhere.object_stores.end()) return s3_client::make_s3_objects(found->second);
  CUSP_TRY(store::object::Objects * objects, stores.objects());
  CUSP_TRY(auto bucket, objects->bucket({app.name, name}));
  return host::make_embedded_objects(std::move(bucket));
}

}  // namespace

Result<> grant_stores(store::Stores& stores, const app::App& app, const app::Component& component,
                      const StoresElsewhere& elsewhere, host::Capabilities& capabilities) {
  if (!component.key_value_stores.empty()) {
    CUSP_TRY(store::kv::Database * database, stores.key_values());
    host::KeyValueStores granted;
    for (const auto& label : component.key_value_stores) {
      auto opened = database->store({app.name, label});
      if (!opened) return fail(opened.error().code, opened.error().message, component.place);
      granted.emplace(label, std::move(*opened));
    }
    capabilities.grant(host::CapabilityKind::kKeyValue, host::make_key_value(std::move(granted)));
  }
  if (!component.sqlite_databases.empty()) {
    host::SqlDatabases granted;
    for (const auto& name : component.sqlite_databases) {
      CUSP_TRY(granted[name], find_database(stores, app, name, elsewhere.databases));
    }
    capabilities.grant(host::CapabilityKind::kSql, host::make_sqlite(std::move(granted)));
  }
  if (!component.object_stores.empty()) {
    host::ObjectStores granted;
    for (const auto& name : component.object_stores) {
      CUSP_TRY(granted[name], find_objects(stores, app, name, elsewhere));
    }
    capabilities.grant(host::CapabilityKind::kObjectStore,
                       host::make_object_store(std::move(granted)));
  }
  return {};
}

Result<size_t> prepare_databases(store::Stores& stores, const app::App& app,
                                 const LibsqlDatabases& elsewhere) {
  size_t count = 0;
  for (const app::SqlDatabase& database : app.databases) {
    if (elsewhere.contains(database.name)) {
      if (database.migrations.empty()) continue;
      return fail(ErrorCode::kUnsupported,
                  fmt::format("the database '{}' is a libSQL server's, as runtime-config.toml has "
                              "it: apply its migrations there",
                              database.name),
                  database.place);
    }
    if (!stores.set_sql_limits(app.name, database.name, limits_of(database))) {
      log::warn("[{}] the new limits of the database '{}' hold from the next start on", app.name,
                database.name);
    }
    if (database.migrations.empty()) continue;
    auto migrations = store::sql::read_migrations(database.migrations);
    if (!migrations)
      return fail(migrations.error().code, migrations.error().message, database.place);
    CUSP_TRY(const auto opened, stores.sql(app.name, database.name));
    auto applied = opened->migrate(*migrations);
    if (!applied) {
      Error error = std::move(applied).error();
      error.context = database.migrations + "/" + error.context;
      return std::unexpected(std::move(error));
    }
    count += *applied;
  }
  return count;
}

}  // namespace cusp::node
