#pragma once

#include <memory>

#include "host/capability.h"
#include "host/outbound_http.h"

namespace cusp::host {

// Redis servers that `rules` (schemes "redis" and "rediss") let a component reach. A connection
// belongs to one invocation and is closed with it: another could find it in a transaction, or with
// another database selected. Commands of one connection run one after the other. No text of an
// error or a log repeats an address' credentials.
std::shared_ptr<Capability> make_redis(std::shared_ptr<const OutboundRules> rules);

}  // namespace cusp::host
