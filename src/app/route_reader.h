#pragma once

#include <string>

#include "app/app.h"
#include "base/table_reader.h"

// What the two manifests have in common about routes.
namespace cusp::app {

// Reads a static response: `status_key` ("status_code" in spin.toml, "status" in cusp.toml),
// headers, body.
StaticResponse read_static_response(TableReader& table, std::string_view status_key);

// Reads the key 'executor' into `route`: { type = "http" | "spin" | "wagi", argv, entrypoint }.
void read_executor(TableReader& table, Route& route);

// Checks all routes of an App together, as a Router will see them, and warns of those under
// /.well-known/spin/, which never match.
void check_routes(App& app, Diagnostics& diagnostics);

}  // namespace cusp::app
