#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/table_reader.h"
#include "edge/exchange.h"

namespace cusp::io {
class BlockingPool;
}

namespace cusp::edge {

namespace cache {
class Cache;
}
struct ConnectionPolicy;

// What a feature makes of a request.
struct Continue {};
struct Wait {};  // it cannot tell without waiting: act_later() is called
using Outcome = std::variant<Continue, Wait, http::Response>;

// One old job of a CDN: redirects, CORS, a rate limit … It acts in one phase on the way in, and may
// touch the response on the way out. One object serves all shards at once: what it counts, it
// counts behind atomics or a lock that is never held over a wait.
class Feature {
 public:
  virtual ~Feature() = default;

  // Where it acts on requests.
  virtual Phase phase() const = 0;
  // Lets the request go on (perhaps changed), or answers in place of all that comes after.
  virtual Outcome act(Exchange& exchange) const;
  // Only after act() said Wait; never answers Wait.
  virtual io::Task<Outcome> act_later(Exchange& exchange) const;
  // On the way out, in the opposite order, for responses that came from any later phase or from the
  // feature itself.
  virtual void deliver(Exchange& exchange, http::Response& response) const;
};

// What reading a feature's configuration may need besides its value.
struct FeatureContext {
  std::string directory;          // where relative paths start
  std::string app;                // the application's name; empty for the node's own features
  cache::Cache* cache = nullptr;  // the node's; outlives the features
  io::BlockingPool* blocking = nullptr;  // the same
  // Filled in by what the node's own features say of connections; null for an application's.
  ConnectionPolicy* connections = nullptr;
  // A secret of the node that stays the same when it is started again; features make their keys of
  // it under a label of their own. Empty: there is none.
  std::string secret;
};

// A kind of feature: its key in [edge] and how it is read. A problem is reported through the value,
// and null is answered.
struct FeatureKind {
  std::string_view key;
  std::unique_ptr<Feature> (*read)(const Value& value, const FeatureContext& context);
};

}  // namespace cusp::edge
