#pragma once

#include "edge/cache/cache.h"
#include "node/admin.h"

namespace cusp::node {

// POST /purge: takes responses out of the cache before their time (docs/operations/metrics.md).
// `cache` outlives it.
AdminHandler::Endpoint purge_endpoint(edge::cache::Cache& cache);

}  // namespace cusp::node
