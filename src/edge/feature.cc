#include "edge/feature.h"

#include "io/asio.h"

namespace cusp::edge {

Outcome Feature::act(Exchange&) const { return Continue{}; }

io::Task<Outcome> Feature::act_later(Exchange&) const { co_return Continue{}; }

void Feature::deliver(Exchange&, http::Response&) const {}

}  // namespace cusp::edge
