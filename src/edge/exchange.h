#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/cache/stored.h"
#include "edge/geo.h"
#include "edge/origin.h"
#include "edge/trace_context.h"
#include "http/client.h"
#include "http/message.h"
#include "io/task.h"

namespace cusp::edge {

class Feature;
class Load;
class Plan;
struct Record;

// The stations of a request on its way through a node, in this order.
enum class Phase : uint8_t {
  kAdmit,      // may this client ask at all: connections, budgets, address lists
  kIdentify,   // who and where the client is
  kRoute,      // which application and route answer; CORS, redirects and rewrites
  kAuthorize,  // may this request be made: authentication, rules, rate limits
  kLookup,     // is the answer there already
  kGenerate,   // a guest, an upstream or a file makes it
  kDeliver,    // what the response looks like on its way out: fields, compression, error pages
  kLog,
};
inline constexpr size_t kPhases = 8;

// "admit", for logs, metrics and Server-Timing.
std::string_view to_string(Phase phase);

// What the pipeline of one shard works with. Outlives its exchanges.
struct ShardContext {
  io::Executor executor;
  http::Client& client;      // for upstreams, key sets and whatever else a feature has to ask for
  const Geo* geo = nullptr;  // null: no database is configured
  Load* load = nullptr;      // null: nobody measures it
};

// Who asks. What a client says of itself is not believed: `address` is the peer's own, or what a
// trusted proxy in front says of it.
struct Client {
  std::string address;  // "192.0.2.1" or "2001:db8::1"
  uint16_t port = 0;
};

// What happened to one request, for people: `cusp explain` and the Server-Timing field.
struct Trail {
  struct Step {
    Phase phase;
    std::string feature;  // its key in the configuration; empty: the phase itself
    std::string verdict;
    std::chrono::nanoseconds took;
  };
  std::vector<Step> steps;
};

// One request and its response on their way through the node. Lives on one shard, in the frame of
// Pipeline::respond().
struct Exchange {
  Exchange(http::Request& request_in, ShardContext& shard_in)
      : request(request_in), shard(shard_in) {}

  // The path of the target, without its query; the query, without its "?".
  std::string_view path() const;
  std::string_view query() const;
  // Where the client is; looked up when first asked for.
  const Place& place();
  // Pretends another place (`cusp dev --from`).
  void set_place(Place place) { place_ = std::move(place); }

  // Says in one sentence why a feature decided as it did. Costs nothing when nobody asked; `reason`
  // is called only when somebody did.
  template <class Reason>
  void explain(Reason&& reason) {
    if (trail != nullptr) verdict = std::forward<Reason>(reason)();
  }

  // What `feature` wants to know on the way out, when the members of the request may be gone: an
  // origin is free to move them away. At most one note each.
  void remember(const Feature& feature, std::string note) {
    notes_.emplace_back(&feature, std::move(note));
  }
  // Null: it remembered nothing, perhaps because another one answered before it could act.
  const std::string* remembered(const Feature& feature) const;

  http::Request& request;
  ShardContext& shard;
  Client client;

  // The client has shown that it is worth more than others when not all can be served: it has
  // logged in, or solved a challenge.
  bool known_good = false;

  // Set by the router in kRoute.
  std::string_view app;                     // its name; empty before, and when none answers
  std::string_view route;                   // the pattern, for logs
  const Plan* plan = nullptr;               // the route's features; null: it has none
  std::shared_ptr<Origin> origin;           // null: nothing answers here
  std::shared_ptr<const void> keeps_alive;  // what the views above point into

  // Set on the response, whoever makes it, in place of fields of the same name.
  http::Fields response_fields;

  // Set by the cache when it answers with something stored, whole and in memory.
  std::optional<cache::Stored> stored;

  // Whether the request is only tried out (`cusp explain`): nothing behind kLookup happens.
  bool dry_run = false;
  TraceContext trace;  // this node's span

  // Null: nobody keeps one.
  Record* record = nullptr;
  // Null: nobody wants to know. `verdict` is what the feature that acts now has to say.
  Trail* trail = nullptr;
  std::string verdict;

 private:
  std::optional<Place> place_;
  std::vector<std::pair<const Feature*, std::string>> notes_;
};

}  // namespace cusp::edge
