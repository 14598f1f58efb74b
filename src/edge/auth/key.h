#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

struct evp_pkey_st;

namespace cusp::edge {

// Signatures of tokens (RFC 7518 section 3.1, RFC 8037). There is no "none".
enum class Algorithm : uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};

std::string_view to_string(Algorithm algorithm);  // "RS256"
std::optional<Algorithm> algorithm_of(std::string_view name);

// What a signature is verified with: a secret, or a public key. It serves the algorithms of its own
// type alone, so that nobody can have a public key taken for a secret. Immutable; thread-safe.
class Key {
 public:
  // Errors of all four: kInvalidArgument for what is malformed, weak (RSA below 2048 bits, a secret
  // shorter than 32 bytes) or of an unknown type.
  static Result<Key> from_secret(std::string secret);
  // "-----BEGIN PUBLIC KEY-----" or a certificate.
  static Result<Key> from_pem(const std::string& pem);
  // One JSON Web Key (RFC 7517 section 4). Private parts are passed over.
  static Result<Key> from_jwk(const nlohmann::json& jwk);

  // Whether the key can have made signatures of that algorithm.
  bool serves(Algorithm algorithm) const;
  // Whether `signature` is that of `data`. The algorithm must be one that the key serves.
  bool verify(Algorithm algorithm, std::string_view data, std::string_view signature) const;

  const std::string& id() const { return id_; }  // "kid"; empty: it has none

 private:
  enum class Type : uint8_t { kSecret, kRsa, kP256, kP384, kP521, kEd25519 };
  static Result<Key> from_public(std::shared_ptr<evp_pkey_st> key);

  Type type_ = Type::kSecret;
  std::string id_;
  std::optional<Algorithm> only_;  // "alg": the key is for nothing else
  std::string secret_;
  std::shared_ptr<evp_pkey_st> public_;  // shared: with copies of the key
};

// A JSON Web Key Set (RFC 7517 section 5): the keys in it that verify signatures. One that cannot
// be read is passed over, as the standard asks. Errors: kInvalidArgument when the text is not a
// set, kResourceExhausted beyond kKeysMax.
inline constexpr size_t kKeysMax = 100;
Result<std::vector<Key>> parse_key_set(std::string_view text);

}  // namespace cusp::edge
