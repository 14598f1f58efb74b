#pragma once

#include "app/app.h"
#include "base/table_reader.h"

namespace cusp::app {

// Reads [sqlite.NAME] into `app`, whose components are read. A name that no component has in its
// `sqlite_databases` is an error.
void read_databases(TableReader& root, App& app);

}  // namespace cusp::app
