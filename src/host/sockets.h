#pragma once

#include <memory>

#include "host/capability.h"
#include "host/outbound_http.h"

namespace cusp::host {

// Connections to the databases and brokers whose protocols the engine speaks for guests, where
// `rules` let a component reach them (by the schemes "postgres", "mysql", "mqtt" and "mqtts"). A
// connection belongs to one invocation and is closed with it. A server that is silent for too long
// has failed.
std::shared_ptr<Capability> make_sockets(std::shared_ptr<const OutboundRules> rules);

}  // namespace cusp::host
