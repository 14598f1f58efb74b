#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace cusp::io {

// One certificate chain with its key, as PEM files.
struct TlsCertificate {
  std::string certificate_file;
  std::string key_file;
};

// What a TLS listener needs: TLS 1.2 and 1.3, ALPN "h2" and "http/1.1", the certificate picked by
// SNI (exact name, then wildcard, then the first one). Immutable, shared by all shards (a comment
// at each shared_ptr says so).
class TlsServerContext {
 public:
  virtual ~TlsServerContext() = default;
  // The SSL_CTX of OpenSSL, for the session that does the handshake.
  virtual void* native() const = 0;
};

// Errors: kNotFound (no such file), kInvalidArgument (not PEM, key does not fit its certificate),
// each naming the file.
Result<std::shared_ptr<const TlsServerContext>> make_tls_server_context(
    std::vector<TlsCertificate> certificates);

// A certificate for localhost and 127.0.0.1 signed by itself, valid for 30 days, written to
// `directory` as cert.pem and key.pem; for trying TLS out and for tests. An existing pair that is
// still valid is kept.
Result<TlsCertificate> make_self_signed_certificate(const std::string& directory);

}  // namespace cusp::io
