#pragma once

#include <expected>
#include <memory>
#include <string>

#include "http/client_origin.h"
#include "http/client_watchdog.h"
#include "io/resolver.h"
#include "io/stream.h"

namespace cusp::http {

class ConnectionPlace;

// A connection to an origin and the address that it goes to, which later requests are asked about.
struct Upstream {
  std::unique_ptr<io::Stream> stream;
  std::string address;
  // Its place among the origin's, given back at its end. Shared with nobody; a unique_ptr would ask
  // every user to know the type.
  std::shared_ptr<ConnectionPlace> place;

  bool speaks_h2(UseH2 asked) const {
    return asked == UseH2::kOnly || (asked == UseH2::kIfAgreed && stream->alpn() == "h2");
  }
};

// Makes connections for one shard's client.
class Connector {
 public:
  explicit Connector(io::Executor executor);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Resolves, connects and, for https, does the handshake, all by `deadline`. The addresses are
  // tried one after the other, each with its share of the time that is left. `plan` and `options`
  // are kept alive by the caller. Errors: every failure up to and with kTlsProtocolError.
  io::Task<std::expected<Upstream, ClientError>> connect(const RequestPlan& plan,
                                                         const ClientOptions& options,
                                                         Watchdog::Clock::time_point deadline);

  // TLS over a connection that was made in clear text, for protocols that begin so. `plan` as it
  // was for connect(). `authorities` (PEM) sign the server's certificate; empty: the system's.
  // Errors: kTlsCertificateError, kTlsProtocolError, kConnectionTimeout; the connection is closed.
  io::Task<std::expected<Upstream, ClientError>> secure(const RequestPlan& plan, Upstream plain,
                                                        const std::string& authorities,
                                                        Watchdog::Clock::time_point deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cusp::http
