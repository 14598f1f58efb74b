#include "edge/upstream/upstream.h"

#include <fmt/format.h>

#include "base/address.h"
#include "base/log.h"
#include "edge/upstream/forward.h"
#include "edge/upstream/race.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

using Sent = std::expected<http::Response, http::ClientError>;

// The nodes that a request may pass before something is wrong (RFC 8586).
constexpr size_t kHopsMax = 4;

// Whether asking again cannot do harm (RFC 9110 section 9.2.2) and is possible.
bool repeatable(const http::Request& request) {
  constexpr std::string_view kIdempotent[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return !request.body && request.upgrade.empty() &&
         std::ranges::find(kIdempotent, request.method) != std::end(kIdempotent);
}

http::Request copy_without_body(const http::Request& request) {
  return {.method = request.method,
          .scheme = request.scheme,
          .authority = request.authority,
          .target = request.target,
          .version = request.version,
          .fields = request.fields,
          .upgrade = request.upgrade};
}

// A response that says of the target, not of the request, that something is wrong.
bool is_gateway_error(const Sent& sent) {
  return !sent || (sent->status >= 502 && sent->status <= 504);
}

// For a request whose authority is not that of the target.
void connect_to(const Target& target, http::ClientOptions& way) {
  way.connect_host = target.host;
  way.connect_port = target.port;
  if (way.tls_server_name.empty()) way.tls_server_name = target.host;
}

// One exchange's requests to the targets of an upstream.
class UpstreamOrigin final : public Origin, public std::enable_shared_from_this<UpstreamOrigin> {
 public:
  UpstreamOrigin(std::shared_ptr<const Upstream> upstream, ShardContext& shard, Client client)
      : upstream_(std::move(upstream)), shard_(shard), client_(std::move(client)) {}

  io::Task<http::Response> fetch(http::Request& request) override {
    const size_t hops = hops_of(request.fields);
    if (hops >= kHopsMax) co_return http::text_response(508, "Loop Detected\n");
    if (request.connection != nullptr) on_interim_ = request.connection->interim_sender();
    http::Request forwarded = forward(request, client_);
    Sent sent =
        co_await (options().shield && hops == 0 ? ask_shield(std::move(forwarded), request)
                                                : ask_targets(std::move(forwarded), request));
    if (!sent) {
      log::warn("upstream '{}': {}", options().name, sent.error().error.to_string());
      co_return failure_response(sent.error().failure);
    }
    remove_hop_by_hop(sent->fields);
    co_return std::move(*sent);
  }

 private:
  const UpstreamOptions& options() const { return upstream_->options(); }

  // The same application at another POP, which asks the targets in our place.
  io::Task<Sent> ask_shield(http::Request forwarded, const http::Request& request) {
    const Target& shield = *options().shield;
    http::ClientOptions way = client_options(options(), shield);
    way.on_interim = on_interim_;
    connect_to(shield, way);
    forwarded.scheme = shield.scheme;
    forwarded.authority = request.authority;
    co_return co_await shard_.client.send(std::move(forwarded), std::move(way));
  }

  io::Task<Sent> ask_targets(http::Request forwarded, const http::Request& request) {
    if (options().keep_host) host_ = request.authority;
    const bool again = repeatable(forwarded);
    const bool hedges = again && options().hedge && upstream_->balancer().targets().size() > 1;
    std::vector<Target*> tried;
    for (uint32_t left = again ? options().retries : 0;; --left) {
      Target* target = next(tried);
      http::Request attempt = again ? copy_without_body(forwarded) : std::move(forwarded);
      Sent sent = hedges ? co_await ask_two(*target, std::move(attempt), tried)
                         : co_await ask(*target, std::move(attempt));
      if (left == 0 || !is_gateway_error(sent)) co_return sent;
    }
  }

  // One that has not been tried, or, once all have, any.
  Target* next(std::vector<Target*>& tried) {
    const auto now = Target::Clock::now();
    Target* target = upstream_->balancer().pick(tried, now);
    if (target == nullptr) {
      tried.clear();
      target = upstream_->balancer().pick(tried, now);
    }
    tried.push_back(target);
    return target;
  }

  io::Task<Sent> ask(Target& target, http::Request request) {
    request.scheme = target.scheme;
    request.authority = host_.empty() ? target.authority : host_;
    http::ClientOptions way = client_options(options(), target);
    way.on_interim = on_interim_;
    if (!host_.empty()) connect_to(target, way);
    const Counted counted(target);
    Sent sent = co_await shard_.client.send(std::move(request), std::move(way));
    if (!is_gateway_error(sent)) {
      target.succeeded();
    } else if (target.failed(options().ejection, Target::Clock::now())) {
      log::warn("upstream '{}': {} gets no requests for {} s after {} failures in a row",
                options().name, target.authority,
                std::chrono::duration<double>(options().ejection.duration).count(),
                options().ejection.failures);
    }
    co_return sent;
  }

  // For a race, whose tasks may end after their exchange.
  static io::Task<Sent> ask_kept(std::shared_ptr<UpstreamOrigin> origin, Target& target,
                                 http::Request request) {
    co_return co_await origin->ask(target, std::move(request));
  }

  // A second target is asked too when the first one takes longer than it should; the first good
  // answer counts.
  io::Task<Sent> ask_two(Target& first, http::Request request, std::vector<Target*>& tried) {
    Race<Sent> race(shard_.executor);
    http::Request second = copy_without_body(request);
    race.start(ask_kept(shared_from_this(), first, std::move(request)));
    if (!co_await race.finished_by(Target::Clock::now() + *options().hedge)) {
      if (Target* other = upstream_->balancer().pick(tried, Target::Clock::now())) {
        tried.push_back(other);
        race.start(ask_kept(shared_from_this(), *other, std::move(second)));
      }
    }
    co_return co_await race.best([](const Sent& sent) { return !is_gateway_error(sent); });
  }

  // The request counts as running at its target, however it ends.
  struct Counted {
    explicit Counted(Target& at) : target(at) { target.begin(); }
    ~Counted() { target.end(); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    Target& target;
  };

  const std::shared_ptr<const Upstream> upstream_;  // shared with the routes that lead there
  ShardContext& shard_;
  const Client client_;
  http::InterimSender on_interim_;
  std::string host_;  // what the targets are asked for in place of their own name
};

}  // namespace

std::shared_ptr<Origin> Upstream::origin(const Exchange& exchange) const {
  return std::make_shared<UpstreamOrigin>(shared_from_this(), exchange.shard, exchange.client);
}

http::ClientOptions client_options(const UpstreamOptions& options, const Target& target) {
  http::ClientOptions client = options.client;
  // Names that lead into private networks are refused: whoever writes manifests is not whoever runs
  // the node. An address, or localhost, has been written down as such.
  const bool literal = parse_address(target.host) || target.host == "localhost";
  if (!options.private_addresses && !literal) {
    client.allow_address = [](std::string_view address, uint16_t) {
      return !is_private_address(address);
    };
  }
  return client;
}

}  // namespace cusp::edge
