#pragma once

#include <memory>

#include "engine/outbound.h"

struct cusp_outbound;

namespace cusp::engine {

// Wraps what the engine handed over, and owns it.
std::unique_ptr<Outbound> make_outbound(io::Executor executor, cusp_outbound* native);

// The guest wants more of a response's body: `user` is what came back with that response.
void outbound_body_wanted(void* user);

}  // namespace cusp::engine
