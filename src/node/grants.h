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

}  // namespace cusp::node
