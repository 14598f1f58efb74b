#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/result.h"
#include "http/message.h"
#include "io/task.h"

namespace cusp::http {

// Which version of HTTP a request is sent in.
enum class ClientVersion : uint8_t {
  kAuto,   // with TLS, HTTP/2 where the upstream agrees to it (ALPN); HTTP/1.1 otherwise
  kHttp1,  // HTTP/1.1
  kHttp2,  // HTTP/2, in clear text by prior knowledge (RFC 9113 section 3.3)
};

// How one request to an upstream may go. Requests share connections only when they agree in where
// these lead and in how the certificate there is verified.
struct ClientOptions {
  std::chrono::milliseconds connect_timeout = limits::kConnectTimeout;  // DNS, TCP and TLS together
  std::chrono::milliseconds first_byte_timeout =
      limits::kFirstByteTimeout;  // request sent → response head
  std::chrono::milliseconds between_bytes_timeout =
      limits::kBodyIdleTimeout;  // between two parts of the body
  // Asked for each address that the name resolved to, before it is connected to (`address` is
  // "10.0.0.1" or "fd00::1"), and for that of a pooled connection before it is used again. An
  // address that is refused is skipped; when all are, the request fails with kPermissionDenied.
  // Empty: every address may be reached.
  std::function<bool(std::string_view address, uint16_t port)> allow_address;

  ClientVersion version = ClientVersion::kAuto;
  // Where to connect to instead of the authority's host and port, which the request still carries:
  // a name, "10.0.0.7" or "fd00::7". Empty and 0: those of the authority.
  std::string connect_host;
  uint16_t connect_port = 0;
  // With TLS, the name that is asked for and that the certificate must be for; empty: the
  // authority's host.
  std::string tls_server_name;
  // A PEM file with the authorities to trust instead of the system's, read once; empty: the
  // system's. A file that cannot be used fails the request with kTlsCertificateError.
  std::string tls_ca_file;
  // False: any certificate will do, which protects against nobody who can answer in the upstream's
  // place.
  bool tls_verify = true;
  // Is told of the interim responses, limits::kInterimMax at most, but for the 100 (Continue) that
  // Request::expects_continue asks for. Empty: they are passed over.
  InterimSender on_interim;
  // Connections to the same place that this shard may have; a request beyond waits for one within
  // connect_timeout and then fails with kConnectionTimeout. At least one.
  size_t connections_max = limits::kConnectionsPerOriginMax;
  // How long a tunnel may be without a byte either way.
  std::chrono::milliseconds tunnel_idle_timeout = limits::kTunnelIdleTimeout;
};

// Why a request to an upstream failed, in the terms of wasi:http's error-code, which a guest gets
// to see.
enum class ClientFailure : uint8_t {
  kNone,
  kDnsError,
  kDnsTimeout,
  kDestinationProhibited,
  kConnectionRefused,
  kConnectionTimeout,
  kConnectionTerminated,
  kTlsCertificateError,
  kTlsProtocolError,
  kReadTimeout,
  kResponseIncomplete,
  kProtocolError,
  kResponseTooLarge,
  kRequestInvalid,
};

struct ClientError {
  ClientFailure failure;
  Error error;
};

// The HTTP client of one shard. Over HTTP/1.1 (RFC 9112) a request has a connection to itself and
// leaves it to the next; over HTTP/2 (RFC 9113) many share one, as many as the upstream allows.
// TLS is verified against the system's certificates (or SSL_CERT_FILE) unless the options say
// otherwise. Connections are closed when idle. Destroy it only on its shard, after its requests
// have ended.
class Client {
 public:
  virtual ~Client() = default;

  // Sends `request` (scheme, authority, target, fields, body and upgrade count) and returns when
  // the response's head is there. More interim responses than one may have are a breach of the
  // protocol, and their fields count for the limit of the head. The request's body goes on being
  // sent while the response is read (full duplex); dropping the response's body ends both.
  // Bodies are pulled: what nobody reads holds the upstream up, beyond at most one window of
  // HTTP/2.
  // A request is sent again, a few times at most, when the upstream says that it has not begun with
  // it (RFC 9113 section 8.7) and nothing of its body has been read; or when a connection that was
  // used before ended before any byte of the answer, the request has no body and its method is
  // idempotent (RFC 9110 section 9.2.2).
  // With Request::upgrade, the response may be a 101 with its tunnel, or any other.
  virtual io::Task<std::expected<Response, ClientError>> send(Request request,
                                                              ClientOptions options) = 0;
};

std::unique_ptr<Client> make_client(io::Executor executor);

}  // namespace cusp::http
