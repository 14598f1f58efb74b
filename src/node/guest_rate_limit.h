#pragma once

#include <memory>

#include "host/capability.h"

namespace cusp::node {

// cusp:edge/rate-limit of one application: counts in memory of a fixed size, which the reload of
// the application empties. A flood of keys evicts itself (edge/limits/limiter.h).
std::shared_ptr<host::Capability> make_guest_rate_limit();

}  // namespace cusp::node
