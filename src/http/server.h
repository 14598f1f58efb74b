#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/limits.h"
#include "base/result.h"
#include "http/message.h"
#include "io/task.h"
#include "io/tls.h"

namespace cusp::http {

// The bounds of one server's sessions; see base/limits.h for what each does.
struct ServerLimits {
  size_t head_bytes_max = limits::kHeadBytesMax;
  size_t fields_max = limits::kFieldsMax;
  uint64_t body_bytes_max = limits::kBodyBytesMax;
  size_t connections_max = limits::kConnectionsMax;
  std::chrono::milliseconds head_timeout = limits::kHeadTimeout;
  std::chrono::milliseconds body_idle_timeout = limits::kBodyIdleTimeout;
  uint32_t client_bytes_per_second_min = limits::kClientBytesPerSecondMin;  // not 0
  std::chrono::milliseconds keep_alive_timeout = limits::kKeepAliveTimeout;
  std::chrono::milliseconds tunnel_idle_timeout = limits::kTunnelIdleTimeout;
};

// One shard's share of a listening address: accepts (SO_REUSEPORT, so that the kernel spreads
// connections over the shards), does TLS where configured, picks HTTP/1.1 or HTTP/2 (ALPN, or prior
// knowledge from the preface) and feeds each request to the handler. Lives on one shard.
class Server {
 public:
  virtual ~Server() = default;

  // The port bound, for those who asked for port 0.
  virtual uint16_t port() const = 0;
  // Stops accepting, says GOAWAY or "connection: close", and returns when the requests in flight
  // have ended or `deadline` has passed; what is left then is cut.
  virtual io::Task<void> drain(std::chrono::milliseconds deadline) = 0;
  // Requests in flight and connections open, for metrics and tests.
  virtual size_t connections() const = 0;
};

// Decides which peers may connect, beyond the number that ServerLimits allows. One object may serve
// the servers of all shards: it is thread-safe, and outlives their connections.
class Gate {
 public:
  virtual ~Gate() = default;

  // Asked for each connection once it is accepted; false: it is closed at once.
  virtual bool enter(const Address& peer) = 0;
  // Told when a connection that was let in has ended.
  virtual void leave(const Address& peer) = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;
  std::shared_ptr<const io::TlsServerContext>
      tls;  // shared by the shards' servers; null: clear text
  ServerLimits limits;
  Gate* gate = nullptr;  // null: everybody may connect
};

// Binds and starts to accept at once. `handler` outlives the server. Errors: kUnavailable (address
// in use, not ours).
Result<std::unique_ptr<Server>> make_server(io::Executor executor, ServerOptions options,
                                            Handler& handler);

}  // namespace cusp::http
