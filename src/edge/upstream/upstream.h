#pragma once

#include <memory>
#include <string>

#include "base/table_reader.h"
#include "edge/exchange.h"
#include "edge/origin.h"

namespace cusp::edge {

// Servers elsewhere that make responses: [upstream.NAME]. Shared by all shards.
class Upstream {
 public:
  virtual ~Upstream() = default;

  // What answers one exchange. May outlive the exchange, not its shard.
  virtual std::shared_ptr<Origin> origin(const Exchange& exchange) const = 0;
};

// Reads [upstream.NAME], or the URL that a route names in its place. Problems are reported through
// the value, and null is answered.
std::shared_ptr<const Upstream> read_upstream(const std::string& name, const Value& value);

}  // namespace cusp::edge
