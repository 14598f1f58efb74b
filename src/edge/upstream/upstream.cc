#include "edge/upstream/upstream.h"

#include <fmt/format.h>

#include "base/log.h"
#include "edge/upstream/forward.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

struct Target {
  std::string scheme;
  std::string authority;
};

// "https://api.example.com:8443", without a path.
std::optional<Target> parse_target(std::string_view url) {
  for (const std::string_view scheme : {"http", "https"}) {
    if (!url.starts_with(scheme) || !url.substr(scheme.size()).starts_with("://")) continue;
    std::string_view authority = url.substr(scheme.size() + 3);
    if (authority.ends_with('/')) authority.remove_suffix(1);
    if (authority.empty() || authority.find_first_of("/?#@ ") != authority.npos)
      return std::nullopt;
    return Target{std::string(scheme), std::string(authority)};
  }
  return std::nullopt;
}

// One target, asked as the client's request says.
class UpstreamOrigin final : public Origin {
 public:
  UpstreamOrigin(std::string name, Target target, ShardContext& shard, Client client)
      : name_(std::move(name)),
        target_(std::move(target)),
        shard_(shard),
        client_(std::move(client)) {}

  io::Task<http::Response> fetch(http::Request& request) override {
    http::Request forwarded = forward(request, client_);
    forwarded.scheme = target_.scheme;
    forwarded.authority = target_.authority;
    auto response = co_await shard_.client.send(std::move(forwarded), {});
    if (response) {
      remove_hop_by_hop(response->fields);
      co_return std::move(*response);
    }
    log::warn("upstream '{}': {}", name_, response.error().error.to_string());
    co_return failure_response(response.error().failure);
  }

 private:
  const std::string name_;
  const Target target_;
  ShardContext& shard_;
  const Client client_;
};

class SingleUpstream final : public Upstream {
 public:
  SingleUpstream(std::string name, Target target)
      : name_(std::move(name)), target_(std::move(target)) {}

  std::shared_ptr<Origin> origin(const Exchange& exchange) const override {
    return std::make_shared<UpstreamOrigin>(name_, target_, exchange.shard, exchange.client);
  }

 private:
  const std::string name_;
  const Target target_;
};

}  // namespace

std::shared_ptr<const Upstream> read_upstream(const std::string& name, const Value& value) {
  std::string url;
  if (value.is_string()) {
    url = value.string().value_or("");
  } else if (auto table = value.table()) {
    url = table->required_string("url");
    table->finish();
  }
  auto target = parse_target(url);
  if (!target) {
    value.error(
        fmt::format("'{}' is not the address of an upstream: expected a URL such as "
                    "\"https://api.example.com\", without a path",
                    url));
    return nullptr;
  }
  return std::make_shared<SingleUpstream>(name, std::move(*target));
}

}  // namespace cusp::edge
