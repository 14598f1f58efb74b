#pragma once

#include "app/app.h"
#include "base/result.h"
#include "cli/shell.h"

namespace cusp::cli {

// Runs the build commands of one component in its directory, one after the other, and tells on
// standard error which one runs and how long all took. Does nothing without a build. Errors: those
// of run_shell(), naming the component, with its place in the manifest as context.
Result<> run_build(const app::Component& component, Output output, int cancel_descriptor);

}  // namespace cusp::cli
