#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/certificate.h"

namespace cusp::node::acme {

// A request for a certificate for one name (PKCS #10), DER. Errors: kInvalidArgument when `key` is
// no key in PEM form.
Result<std::string> make_csr(const std::string& key, const std::string& domain);

// The certificate that proves control of a name to who comes over TLS (RFC 8737 section 3): signed
// by itself, with the digest of the key authorization in it.
Result<std::shared_ptr<const io::Certificate>> make_challenge_certificate(
    const std::string& domain, std::string_view key_authorization);

}  // namespace cusp::node::acme
