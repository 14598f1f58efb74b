#include "edge/auth/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "edge/auth/json.h"
#include "edge/auth/secret.h"

namespace cusp::edge {

namespace {

using nlohmann::json;

template <class T, auto Free>
struct Freer {
  void operator()(T* thing) const { Free(thing); }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<T, Free>>;

constexpr std::array<std::string_view, 13> kNames = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                                     "RS512", "PS256", "PS384", "PS512", "ES256",
                                                     "ES384", "ES512", "EdDSA"};
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 16384;      // beyond, one verification takes a shard too long
constexpr size_t kSecretBytesMin = 32;  // as long as the shortest digest (RFC 7518 section 3.2)

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool between(Algorithm algorithm, Algorithm first, Algorithm last) {
  return algorithm >= first && algorithm <= last;
}

const EVP_MD* digest_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kHs256:
    case Algorithm::kRs256:
    case Algorithm::kPs256:
    case Algorithm::kEs256: return ::EVP_sha256();
    case Algorithm::kHs384:
    case Algorithm::kRs384:
    case Algorithm::kPs384:
    case Algorithm::kEs384: return ::EVP_sha384();
    case Algorithm::kHs512:
    case Algorithm::kRs512:
    case Algorithm::kPs512:
    case Algorithm::kEs512: return ::EVP_sha512();
    case Algorithm::kEdDsa: return nullptr;  // it does its own
  }
  return nullptr;
}

// r and s one behind the other (RFC 7518 section 3.4) as OpenSSL wants them; empty: malformed.
std::string der_of(std::string_view signature, size_t coordinate_bytes) {
  if (signature.size() != 2 * coordinate_bytes) return {};
  const Owned<ECDSA_SIG, ::ECDSA_SIG_free> pair(::ECDSA_SIG_new());
  const int half = static_cast<int>(coordinate_bytes);
  BIGNUM* r = ::BN_bin2bn(bytes(signature), half, nullptr);
  BIGNUM* s = ::BN_bin2bn(bytes(signature) + half, half, nullptr);
  ::ECDSA_SIG_set0(pair.get(), r, s);
  unsigned char* der = nullptr;
  const int size = ::i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  ::OPENSSL_free(der);
  return text;
}

// A member that is base64url, as bytes.
std::optional<std::string> member(const json& jwk, const char* name) {
  const auto found = jwk.find(name);
  if (found == jwk.end() || !found->is_string()) return std::nullopt;
  return base64url_decode(found->get_ref<const std::string&>());
}

std::string text_member(const json& jwk, const char* name) {
  const auto found = jwk.find(name);
  return found != jwk.end() && found->is_string() ? found->get<std::string>() : "";
}

std::shared_ptr<EVP_PKEY> own(EVP_PKEY* key) { return {key, ::EVP_PKEY_free}; }

std::shared_ptr<EVP_PKEY> from_parameters(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM, ::OSSL_PARAM_free> parameters(::OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX, ::EVP_PKEY_CTX_free> context(
      ::EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || ::EVP_PKEY_fromdata_init(context.get()) <= 0) return nullptr;
  ::EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get());
  return key == nullptr ? nullptr : own(key);
}

std::shared_ptr<EVP_PKEY> rsa_key(const json& jwk) {
  const auto modulus = member(jwk, "n");
  const auto exponent = member(jwk, "e");
  if (!modulus || !exponent || modulus->size() > kRsaBitsMax / 8 || exponent->size() > 8) {
    return nullptr;
  }
  const Owned<BIGNUM, ::BN_free> n(
      ::BN_bin2bn(bytes(*modulus), static_cast<int>(modulus->size()), nullptr));
  const Owned<BIGNUM, ::BN_free> e(
      ::BN_bin2bn(bytes(*exponent), static_cast<int>(exponent->size()), nullptr));
  const Owned<OSSL_PARAM_BLD, ::OSSL_PARAM_BLD_free> builder(::OSSL_PARAM_BLD_new());
  ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return from_parameters("RSA", builder.get());
}

std::shared_ptr<EVP_PKEY> elliptic_key(const json& jwk) {
  const std::string curve = text_member(jwk, "crv");
  const size_t size = curve == "P-256" ? 32 : curve == "P-384" ? 48 : curve == "P-521" ? 66 : 0;
  const auto x = member(jwk, "x");
  const auto y = member(jwk, "y");
  if (size == 0 || !x || !y || x->size() != size || y->size() != size) return nullptr;
  const std::string point = "\x04" + *x + *y;  // uncompressed (SEC 1 section 2.3.3)
  const Owned<OSSL_PARAM_BLD, ::OSSL_PARAM_BLD_free> builder(::OSSL_PARAM_BLD_new());
  ::OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str(), 0);
  ::OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
  return from_parameters("EC", builder.get());
}

std::shared_ptr<EVP_PKEY> edwards_key(const json& jwk) {
  const auto x = member(jwk, "x");
  if (!x || text_member(jwk, "crv") != "Ed25519") return nullptr;
  EVP_PKEY* key = ::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size());
  return key == nullptr ? nullptr : own(key);
}

}  // namespace

std::string_view to_string(Algorithm algorithm) { return kNames[static_cast<size_t>(algorithm)]; }

std::optional<Algorithm> algorithm_of(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Algorithm>(found - kNames.begin());
}

Result<Key> Key::from_secret(std::string secret) {
  if (secret.size() < kSecretBytesMin) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a secret for signatures has at least {} bytes", kSecretBytesMin));
  }
  Key key;
  key.secret_ = std::move(secret);
  return key;
}

Result<Key> Key::from_pem(const std::string& pem) {
  const auto open = [&] {
    return Owned<BIO, ::BIO_free_all>(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  };
  if (EVP_PKEY* key = ::PEM_read_bio_PUBKEY(open().get(), nullptr, nullptr, nullptr)) {
    return from_public(own(key));
  }
  const Owned<X509, ::X509_free> certificate(
      ::PEM_read_bio_X509(open().get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    return fail(ErrorCode::kInvalidArgument,
                "this is neither a public key nor a certificate (PEM)");
  }
  return from_public(own(::X509_get_pubkey(certificate.get())));
}

Result<Key> Key::from_jwk(const json& jwk) {
  const std::string type = text_member(jwk, "kty");
  const std::string use = text_member(jwk, "use");
  if (!use.empty() && use != "sig") return fail(ErrorCode::kInvalidArgument, "not for signatures");
  Result<Key> key = fail(ErrorCode::kInvalidArgument, "a key of an unknown type");
  if (type == "oct") key = from_secret(member(jwk, "k").value_or(""));
  if (type == "RSA") key = from_public(rsa_key(jwk));
  if (type == "EC") key = from_public(elliptic_key(jwk));
  if (type == "OKP") key = from_public(edwards_key(jwk));
  if (!key) return key;
  key->id_ = text_member(jwk, "kid");
  if (const std::string name = text_member(jwk, "alg"); !name.empty()) {
    key->only_ = algorithm_of(name);
    if (!key->only_) return fail(ErrorCode::kInvalidArgument, "a key for another algorithm");
  }
  return key;
}

Result<Key> Key::from_public(std::shared_ptr<EVP_PKEY> key) {
  if (!key) return fail(ErrorCode::kInvalidArgument, "the key is malformed");
  Key result;
  char curve[32] = {};
  const int bits = ::EVP_PKEY_get_bits(key.get());
  if (::EVP_PKEY_is_a(key.get(), "RSA")) {
    if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("an RSA key has at least {} bits", kRsaBitsMin));
    }
    result.type_ = Type::kRsa;
  } else if (::EVP_PKEY_is_a(key.get(), "ED25519")) {
    result.type_ = Type::kEd25519;
  } else if (::EVP_PKEY_get_group_name(key.get(), curve, sizeof(curve), nullptr) == 1 &&
             ::EVP_PKEY_is_a(key.get(), "EC")) {
    const std::string_view name = curve;
    if (name != "prime256v1" && name != "P-256" && name != "secp384r1" && name != "P-384" &&
        name != "secp521r1" && name != "P-521") {
      return fail(ErrorCode::kInvalidArgument, "a key on an unknown curve");
    }
    result.type_ = bits == 256 ? Type::kP256 : bits == 384 ? Type::kP384 : Type::kP521;
  } else {
    return fail(ErrorCode::kInvalidArgument, "a key of an unknown type");
  }
  result.public_ = std::move(key);
  return result;
}

bool Key::serves(Algorithm algorithm) const {
  if (only_ && *only_ != algorithm) return false;
  switch (type_) {
    case Type::kSecret: return between(algorithm, Algorithm::kHs256, Algorithm::kHs512);
    case Type::kRsa: return between(algorithm, Algorithm::kRs256, Algorithm::kPs512);
    case Type::kP256: return algorithm == Algorithm::kEs256;
    case Type::kP384: return algorithm == Algorithm::kEs384;
    case Type::kP521: return algorithm == Algorithm::kEs512;
    case Type::kEd25519: return algorithm == Algorithm::kEdDsa;
  }
  return false;
}

bool Key::verify(Algorithm algorithm, std::string_view data, std::string_view signature) const {
  if (!serves(algorithm)) return false;
  if (type_ == Type::kSecret) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ::HMAC(digest_of(algorithm), secret_.data(), static_cast<int>(secret_.size()), bytes(data),
           data.size(), mac, &size);
    return equal_in_constant_time(signature, {reinterpret_cast<char*>(mac), size});
  }
  std::string der;
  if (between(algorithm, Algorithm::kEs256, Algorithm::kEs512)) {
    der = der_of(signature, (static_cast<size_t>(::EVP_PKEY_get_bits(public_.get())) + 7) / 8);
    if (der.empty()) return false;
    signature = der;
  }
  const Owned<EVP_MD_CTX, ::EVP_MD_CTX_free> context(::EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // the context's
  if (::EVP_DigestVerifyInit(context.get(), &options, digest_of(algorithm), nullptr,
                             public_.get()) != 1) {
    return false;
  }
  if (between(algorithm, Algorithm::kPs256, Algorithm::kPs512) &&
      (::EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
       ::EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  const int verified = ::EVP_DigestVerify(context.get(), bytes(signature), signature.size(),
                                          bytes(data), data.size());
  ::ERR_clear_error();  // what went wrong here is not for the TLS sessions of this thread
  return verified == 1;
}

Result<std::vector<Key>> parse_key_set(std::string_view text) {
  const auto set = parse_json_object(text);
  const auto list = set ? set->find("keys") : json::const_iterator();
  if (!set || list == set->end() || !list->is_array()) {
    return fail(ErrorCode::kInvalidArgument, "this is not a JSON Web Key Set");
  }
  if (list->size() > kKeysMax) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("more than {} keys", kKeysMax));
  }
  std::vector<Key> keys;
  for (const json& jwk : *list) {
    if (!jwk.is_object()) continue;
    if (auto key = Key::from_jwk(jwk)) keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace cusp::edge
