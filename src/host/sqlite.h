#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/capability.h"
#include "store/sql/database.h"

namespace cusp::host {

// Name → database.
using SqlDatabases = std::map<std::string, std::shared_ptr<store::sql::Database>, std::less<>>;

// The SQL databases that the manifest grants to a component, under the names that it knows them by.
// Each connection of a guest is a session, which ends with its invocation. Quick reads end within
// their call.
std::shared_ptr<Capability> make_sqlite(SqlDatabases databases);

}  // namespace cusp::host
