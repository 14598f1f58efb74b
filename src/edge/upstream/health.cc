#include "base/log.h"
#include "edge/upstream/upstream.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

io::Task<bool> answers(ShardContext& shard, const UpstreamOptions& options, const Target& target) {
  const HealthCheck& check = *options.health;
  http::ClientOptions way = client_options(options, target);
  way.connect_timeout = way.first_byte_timeout = check.timeout;
  http::Request request{.method = "GET",
                        .scheme = target.scheme,
                        .authority = target.authority,
                        .target = check.path};
  request.fields.add("user-agent", "cusp-health");
  const auto response = co_await shard.client.send(std::move(request), std::move(way));
  co_return response && response->status == check.status;
}

// Asks one target again and again, for as long as somebody else owns the upstream.
io::Task<void> watch_target(std::weak_ptr<const Upstream> watched, ShardContext& shard,
                            size_t index) {
  io::Timer timer(shard.executor);
  uint32_t agreeing = 0;  // answers in a row that speak against what is believed
  while (true) {
    std::chrono::milliseconds pause;
    {
      const auto upstream = watched.lock();
      if (!upstream) co_return;
      const UpstreamOptions& options = upstream->options();
      Target& target = *upstream->balancer().targets()[index];
      const bool good = co_await answers(shard, options, target);
      agreeing = good == target.healthy() ? 0 : agreeing + 1;
      const auto& check = *options.health;
      if (agreeing >= (good ? check.healthy_after : check.unhealthy_after)) {
        agreeing = 0;
        target.set_healthy(good);
        log::warn("upstream '{}': {} is {}", options.name, target.authority,
                  good ? "well again" : "down");
      }
      pause = check.interval;
    }
    timer.expires_after(pause);
    co_await timer.async_wait(io::use_task);
  }
}

}  // namespace

void Upstream::watch(ShardContext& shard) const {
  if (!options_.health) return;
  for (size_t i = 0; i < balancer_.targets().size(); ++i) {
    io::asio::co_spawn(shard.executor, watch_target(weak_from_this(), shard, i),
                       io::asio::detached);
  }
}

}  // namespace cusp::edge
