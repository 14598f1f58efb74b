#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/base64.h"
#include "edge/auth/key.h"

// Signs tokens as an issuer does, for tests.
namespace cusp::edge::testing {

inline std::string secret_of_tests() { return "0123456789abcdef0123456789abcdef0123456789abcdef"; }

class Signer {
 public:
  // "RS256" … with a new key, "HS256" … with secret_of_tests().
  explicit Signer(std::string algorithm, std::string id = "k1")
      : algorithm_(std::move(algorithm)), id_(std::move(id)) {
    const std::string_view family = std::string_view(algorithm_).substr(0, 2);
    EVP_PKEY* key = nullptr;
    if (family == "RS" || family == "PS")
      key = ::EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t(2048));
    if (family == "ES") key = ::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve());
    if (family == "Ed") key = ::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    key_.reset(key, ::EVP_PKEY_free);
  }

  // A token with this header and these claims, as JSON.
  std::string token(const std::string& header, const std::string& claims) const {
    const std::string data = base64url_encode(header) + "." + base64url_encode(claims);
    return data + "." + base64url_encode(sign(data));
  }
  std::string token(const std::string& claims) const {
    return token(fmt::format(R"({{"alg":"{}","kid":"{}"}})", algorithm_, id_), claims);
  }

  std::string sign(const std::string& data) const {
    if (!key_) {
      unsigned char mac[EVP_MAX_MD_SIZE];
      unsigned size = 0;
      const std::string secret = secret_of_tests();
      ::HMAC(digest(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(data.data()), data.size(), mac, &size);
      return {reinterpret_cast<char*>(mac), size};
    }
    EVP_MD_CTX* context = ::EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    ::EVP_DigestSignInit(context, &options, digest(), nullptr, key_.get());
    if (algorithm_.starts_with("PS")) {
      ::EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
      ::EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    std::string signature(1024, '\0');
    size_t size = signature.size();
    ::EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(data.data()), data.size());
    ::EVP_MD_CTX_free(context);
    signature.resize(size);
    return algorithm_.starts_with("ES") ? raw(signature) : signature;
  }

  // The public key, as an issuer publishes it.
  std::string jwk() const {
    if (!key_) {
      return fmt::format(R"({{"kty":"oct","kid":"{}","k":"{}"}})", id_,
                         base64url_encode(secret_of_tests()));
    }
    if (algorithm_.starts_with("Ed")) {
      std::string x(32, '\0');
      size_t size = x.size();
      ::EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size);
      return fmt::format(R"({{"kty":"OKP","crv":"Ed25519","kid":"{}","x":"{}"}})", id_,
                         base64url_encode(x));
    }
    if (algorithm_.starts_with("ES")) {
      return fmt::format(R"({{"kty":"EC","crv":"{}","kid":"{}","x":"{}","y":"{}"}})", curve(), id_,
                         number(OSSL_PKEY_PARAM_EC_PUB_X, coordinate_bytes()),
                         number(OSSL_PKEY_PARAM_EC_PUB_Y, coordinate_bytes()));
    }
    return fmt::format(R"({{"kty":"RSA","kid":"{}","n":"{}","e":"AQAB"}})", id_,
                       number(OSSL_PKEY_PARAM_RSA_N, 256));
  }

  std::string pem() const {
    BIO* memory = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_PUBKEY(memory, key_.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    std::string pem(text, static_cast<size_t>(size));
    ::BIO_free_all(memory);
    return pem;
  }

 private:
  const EVP_MD* digest() const {
    if (algorithm_ == "EdDSA") return nullptr;
    if (algorithm_.ends_with("512")) return ::EVP_sha512();
    return algorithm_.ends_with("384") ? ::EVP_sha384() : ::EVP_sha256();
  }
  const char* curve() const {
    if (algorithm_.ends_with("512")) return "P-521";
    return algorithm_.ends_with("384") ? "P-384" : "P-256";
  }
  size_t coordinate_bytes() const {
    if (algorithm_.ends_with("512")) return 66;
    return algorithm_.ends_with("384") ? 48 : 32;
  }

  std::string number(const char* name, size_t bytes) const {
    BIGNUM* value = nullptr;
    ::EVP_PKEY_get_bn_param(key_.get(), name, &value);
    std::string text = padded(value, bytes);
    ::BN_free(value);
    return base64url_encode(text);
  }

  static std::string padded(const BIGNUM* value, size_t bytes) {
    std::string text(bytes, '\0');
    ::BN_bn2binpad(value, reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(bytes));
    return text;
  }

  std::string raw(const std::string& der) const {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = ::d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string text = padded(::ECDSA_SIG_get0_r(pair), coordinate_bytes()) +
                       padded(::ECDSA_SIG_get0_s(pair), coordinate_bytes());
    ::ECDSA_SIG_free(pair);
    return text;
  }

  const std::string algorithm_;
  const std::string id_;
  std::shared_ptr<EVP_PKEY> key_;  // null: a secret
};

}  // namespace cusp::edge::testing
