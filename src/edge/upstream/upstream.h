#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/table_reader.h"
#include "edge/exchange.h"
#include "edge/origin.h"
#include "edge/upstream/target.h"
#include "http/client.h"

namespace cusp::edge {

// Whether a target answers, asked now and then.
struct HealthCheck {
  std::string path;
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds timeout{2'000};
  uint32_t healthy_after = 2;    // good answers in a row
  uint32_t unhealthy_after = 3;  // bad ones
  uint16_t status = 200;         // what a good answer has
};

// [upstream.NAME]; docs/formats/edge.md says what each is for.
struct UpstreamOptions {
  std::string name;
  Balance balance = Balance::kLeastLoaded;
  uint32_t retries = 1;
  std::optional<std::chrono::milliseconds> hedge;
  Target::Ejection ejection;
  std::optional<HealthCheck> health;
  std::unique_ptr<Target> shield;  // null: none
  bool keep_host = false;
  bool private_addresses = false;
  http::ClientOptions client;
};

// Servers elsewhere that make responses. Shared by all shards.
class Upstream : public std::enable_shared_from_this<Upstream> {
 public:
  Upstream(UpstreamOptions options, std::vector<std::unique_ptr<Target>> targets)
      : options_(std::move(options)), balancer_(options_.balance, std::move(targets)) {}

  // What answers one exchange. May outlive the exchange, not its shard.
  std::shared_ptr<Origin> origin(const Exchange& exchange) const;

  // Begins with active health checks, if there are any, from this shard; they end with the
  // upstream, whose last owner may be another thread. Call it once.
  void watch(ShardContext& shard) const;

  const UpstreamOptions& options() const { return options_; }
  Balancer& balancer() const { return balancer_; }

 private:
  const UpstreamOptions options_;
  mutable Balancer balancer_;  // thread-safe
};

// How a request to `target` goes.
http::ClientOptions client_options(const UpstreamOptions& options, const Target& target);

// Reads [upstream.NAME], or the URL that a route names in its place. Problems are reported through
// the value, and null is answered. Relative paths start at `directory`.
std::shared_ptr<const Upstream> read_upstream(const std::string& name, const Value& value,
                                              const std::string& directory);

}  // namespace cusp::edge
