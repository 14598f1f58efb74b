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

// How one request to an upstream may go.
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

// A pooled HTTP/1.1 client of one shard; TLS verified against the system's certificates (or
// SSL_CERT_FILE). Bodies stream both ways; connections are
// reused and closed when idle. Destroy it only on its shard, after its requests have ended.
class Client {
 public:
  virtual ~Client() = default;

  // Sends `request` (scheme, authority, target, fields and body count) and returns when the
  // response's head is there. The request's body goes on being sent while the response is read
  // (full duplex); dropping the response's body ends both. A retry happens only when a pooled
  // connection closed before any byte of the answer, the request has no body and its method is
  // idempotent (RFC 9110 section 9.2.2).
  virtual io::Task<std::expected<Response, ClientError>> send(Request request,
                                                              ClientOptions options) = 0;
};

std::unique_ptr<Client> make_client(io::Executor executor);

}  // namespace cusp::http
