#pragma once

#include <memory>
#include <string>

#include "edge/cache/cache.h"
#include "host/capability.h"
#include "io/blocking_pool.h"

namespace cusp::node {

// cusp:edge/cache of the application `app`: checks what guests pass against base/limits.h, and
// keeps it in the node's cache (edge/cache/app_cache.h). What is in memory is answered at once.
// `cache` and `blocking`, on which purges run, outlive the shards.
std::shared_ptr<host::Capability> make_guest_cache(edge::cache::Cache& cache,
                                                   io::BlockingPool& blocking, std::string app);

}  // namespace cusp::node
