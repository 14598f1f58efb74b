#pragma once

#include <memory>

#include "edge/geo.h"
#include "host/capability.h"

namespace cusp::node {

// cusp:edge/geo: where the client of a request or any address is, as the edge itself knows it. With
// a null `geo` everything is nowhere. Here, and not in host, since only node sees the edge and the
// guests.
std::shared_ptr<host::Capability> make_guest_geo(std::shared_ptr<const edge::Geo> geo);

}  // namespace cusp::node
