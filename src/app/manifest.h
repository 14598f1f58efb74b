#pragma once

#include <string>
#include <string_view>

#include "app/app.h"
#include "base/table_reader.h"

// How a manifest's text becomes an App. Nothing here touches the file system: App::directory is the
// folder of `path`, paths in the result are absolute but not checked, and a FileMount without a
// destination is a glob pattern that files.h still has to expand.
namespace cusp::app {

// Reads a spin.toml of version 2. `path` is absolute or as the user wrote it; it names the file in
// messages. Errors: those of load_app().
Result<App> parse_spin_manifest(std::string_view text, const std::string& path,
                                const LoadOptions& options = {});

// Reads a cusp.toml (docs/formats/cusp-toml.md). Otherwise as parse_spin_manifest().
Result<App> parse_cusp_manifest(std::string_view text, const std::string& path,
                                const LoadOptions& options = {});

}  // namespace cusp::app
