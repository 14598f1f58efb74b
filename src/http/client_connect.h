#pragma once

#include <expected>
#include <memory>
#include <string>

#include "http/client_origin.h"
#include "io/resolver.h"
#include "io/stream.h"

namespace cusp::http {

// A connection to an origin and the address that it goes to, which later requests are asked about.
struct Upstream {
  std::unique_ptr<io::Stream> stream;
  std::string address;
};

// Makes connections for one shard's client.
class Connector {
 public:
  explicit Connector(io::Executor executor);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Resolves, connects and, for https, does the handshake, all within `options.connect_timeout`.
  // The addresses are tried one after the other, each with its share of the time that is left.
  // `origin` and `options` are kept alive by the caller. Errors: every failure up to and with
  // kTlsProtocolError.
  io::Task<std::expected<Upstream, ClientError>> connect(const Origin& origin,
                                                         const ClientOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cusp::http
