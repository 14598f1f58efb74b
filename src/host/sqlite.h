#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/sql_database.h"

namespace cusp::host {

// Name → database.
using SqlDatabases = std::map<std::string, std::shared_ptr<SqlDatabase>, std::less<>>;

// The SQL databases that the manifest grants to a component, under the names that it knows them by.
// Each connection of a guest ends with its invocation. Quick reads of embedded databases end within
// their call.
std::shared_ptr<Capability> make_sqlite(SqlDatabases databases);

}  // namespace cusp::host
