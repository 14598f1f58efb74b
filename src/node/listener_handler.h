#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "http/message.h"
#include "node/challenges.h"

namespace cusp::node {

// What one listener does to its requests before the pipeline has them.
struct ListenerRules {
  // The port of https URLs that requests in clear text are sent to; none: they are served.
  std::optional<uint16_t> redirect_port;
  // Over TLS, browsers are told to come over TLS alone for that long (RFC 6797); 0: they are not.
  std::chrono::seconds hsts{0};

  bool operator==(const ListenerRules&) const = default;
};

// Stands between a listener and the pipeline of its shard: it answers challenges of ACME (in clear
// text, RFC 8555 section 8.3) and sends clients on to https; it tells origins about the client's
// certificate in `client-cert` (RFC 9440) and `client-cert-subject`, which nobody else can set.
class ListenerHandler final : public http::Handler {
 public:
  // `next` and `challenges` outlive it.
  ListenerHandler(ListenerRules rules, const Challenges& challenges, http::Handler& next);

  io::Task<http::Response> respond(http::Request& request) override;

 private:
  io::Task<http::Response> respond_with_hsts(http::Request& request);
  std::optional<http::Response> answer(const http::Request& request) const;

  const ListenerRules rules_;
  const std::string hsts_;  // the field's value; empty: it is not set
  const Challenges& challenges_;
  http::Handler& next_;
};

}  // namespace cusp::node
