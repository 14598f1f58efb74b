#include "node/grants.h"

#include "host/key_value.h"
#include "host/sqlite.h"

namespace cusp::node {

Result<> grant_stores(store::Stores& stores, const std::string& app,
                      const app::Component& component, host::Capabilities& capabilities) {
  if (!component.key_value_stores.empty()) {
    CUSP_TRY(store::kv::Database * database, stores.key_values());
    host::KeyValueStores granted;
    for (const auto& label : component.key_value_stores) {
      auto opened = database->store({app, label});
      if (!opened) return fail(opened.error().code, opened.error().message, component.place);
      granted.emplace(label, std::move(*opened));
    }
    capabilities.grant(host::CapabilityKind::kKeyValue, host::make_key_value(std::move(granted)));
  }
  if (!component.sqlite_databases.empty()) {
    host::SqlDatabases granted;
    for (const auto& name : component.sqlite_databases) {
      CUSP_TRY(granted[name], stores.sql(app, name));
    }
    capabilities.grant(host::CapabilityKind::kSql, host::make_sqlite(std::move(granted)));
  }
  return {};
}

}  // namespace cusp::node
