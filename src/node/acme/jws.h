#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cusp::node::acme {

// RFC 7515 section 2: without padding.
std::string base64url(std::string_view bytes);

// The key of an account: P-256, for ES256 (RFC 7518 section 3.4). Immutable.
class AccountKey {
 public:
  // Reads it from a PEM file, or makes one there that its owner alone may read. Blocking. Errors:
  // those of the file, and kInvalidArgument when what stands there is no such key.
  static Result<AccountKey> load(const std::string& path);

  // The public key as RFC 7517 has it: a JSON object, its members in the order of RFC 7638.
  std::string jwk() const;
  // What stands for the account in challenges (RFC 8555 section 8.1): token "." thumbprint.
  std::string key_authorization(std::string_view token) const;
  // A request's body (RFC 7515 section 7.2.2). `header` is JSON; so is `payload`, or it is empty.
  Result<std::string> sign(std::string_view header, std::string_view payload) const;

 private:
  explicit AccountKey(EVP_PKEY* key);

  std::shared_ptr<EVP_PKEY> key_;  // shared by copies
};

// A new P-256 key in PEM form.
Result<std::string> make_key();

}  // namespace cusp::node::acme
