#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/certificate.h"

namespace cusp::io {

// Whether clients are asked for a certificate (mTLS).
enum class ClientCertificates : uint8_t {
  kNone,
  kOptional,  // one that does not verify still ends the handshake
  kRequired,
};

// A certificate as a listener presents it.
struct ServedCertificate {
  std::shared_ptr<const Certificate> certificate;  // shared with the handshakes under way
  std::string ocsp_response;  // DER, stapled (RFC 6066 section 8); may be empty
};

// What a TLS listener presents and believes.
struct TlsMaterial {
  // Picked by SNI: the first with the exact name, then the first with a wildcard for it, then the
  // first. None at all: handshakes fail with the alert unrecognized_name.
  std::vector<ServedCertificate> certificates;
  // With ClientCertificates: the authorities that may sign those of clients, and their file's name
  // for messages.
  std::string client_ca_pem;
  std::string client_ca_file;
};

// What a TLS listener needs: TLS 1.2 and 1.3, ALPN "h2" and "http/1.1", session tickets that each
// shard can open whichever has sealed them (io/ticket_keys.h), no early data. Thread-safe and
// shared by all shards (a comment at each shared_ptr says so). Outlives the connections it has
// served.
class TlsServerContext {
 public:
  virtual ~TlsServerContext() = default;

  // The SSL_CTX of OpenSSL, for the session that does the handshake.
  virtual void* native() const = 0;

  // What handshakes use from now on; those under way and connections keep what they have. Other
  // authorities for clients also end the sessions that could be resumed. Errors: kInvalidArgument
  // (the authorities cannot be read), and then nothing has changed.
  virtual Result<> use(TlsMaterial material) = 0;

  // Answers handshakes for `name` that offer ALPN "acme-tls/1" alone (RFC 8737) with this
  // certificate, until the next call with null; others of that kind fail.
  virtual Result<> set_challenge(const std::string& name,
                                 std::shared_ptr<const Certificate> certificate) = 0;
};

// The protocol of a connection that was only for a challenge and carries nothing.
inline constexpr std::string_view kAcmeProtocol = "acme-tls/1";

// Whether `pem` holds authorities for clients' certificates and nothing that is broken; `file`
// names it in the error, kInvalidArgument.
Result<> check_authorities(const std::string& pem, const std::string& file);

struct TlsServerOptions {
  ClientCertificates clients = ClientCertificates::kNone;
  // For the age of ticket keys.
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

// Without any certificate yet.
std::shared_ptr<TlsServerContext> make_tls_listener_context(TlsServerOptions options);

// With these, for what does not swap them. Errors: no certificate at all, and those of
// Certificate::load.
Result<std::shared_ptr<TlsServerContext>> make_tls_server_context(
    std::vector<TlsCertificate> certificates);

// A certificate for localhost and 127.0.0.1 signed by itself, valid for 30 days, written to
// `directory` as cert.pem and key.pem; for trying TLS out and for tests. An existing pair that is
// still valid is kept.
Result<TlsCertificate> make_self_signed_certificate(const std::string& directory);

}  // namespace cusp::io
