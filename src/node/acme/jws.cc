#include "node/acme/jws.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <array>

#include <fmt/format.h>

#include "base/file.h"
#include "io/openssl.h"

namespace cusp::node::acme {

namespace {

using io::Free;
using io::KeyPtr;

// One coordinate of a point, one half of a signature.
constexpr size_t kNumberBytes = 32;
constexpr size_t kPointBytes = 1 + 2 * kNumberBytes;

std::string_view view(const unsigned char* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return std::string(view(digest.data(), digest.size()));
}

// Uncompressed (SEC 1 section 2.3.3): 0x04, x, y. Empty: not a point of P-256.
std::string point_of(EVP_PKEY* key) {
  std::array<unsigned char, kPointBytes> point;
  size_t size = 0;
  char group[32] = "";
  if (EVP_PKEY_get_group_name(key, group, sizeof(group), &size) != 1 ||
      std::string_view(group) != SN_X9_62_prime256v1 ||
      EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(),
                                      &size) != 1 ||
      size != kPointBytes || point[0] != 4) {
    return {};
  }
  return std::string(view(point.data(), size));
}

// The two numbers of a signature side by side, as JWS wants them; OpenSSL gives them as ASN.1.
std::string fixed_signature(std::string_view der) {
  auto data = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>> signature(
      d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size())));
  std::array<unsigned char, 2 * kNumberBytes> numbers;
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), numbers.data(), kNumberBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), numbers.data() + kNumberBytes, kNumberBytes);
  return std::string(view(numbers.data(), numbers.size()));
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  text.resize(text.find_last_not_of('=') + 1);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

Result<std::string> make_key() {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const io::BioPtr text(BIO_new(BIO_s_mem()));
  if (!key ||
      PEM_write_bio_PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(ErrorCode::kInternal, "cannot make a key: " + io::openssl_reason());
  }
  return io::text_of(text.get());
}

AccountKey::AccountKey(EVP_PKEY* key) : key_(key, Free<EVP_PKEY_free>()) {}

Result<AccountKey> AccountKey::load(const std::string& path) {
  auto pem = read_file(path);
  if (!pem && pem.error().code == ErrorCode::kNotFound) {
    pem = make_key();
    if (pem) CUSP_CHECK(write_file(path, *pem, 0600));
  }
  if (!pem) return std::unexpected(pem.error());
  char no_passphrase[] = "";
  KeyPtr key(PEM_read_bio_PrivateKey(io::bio_over(*pem).get(), nullptr, nullptr, no_passphrase));
  ERR_clear_error();
  if (!key || point_of(key.get()).empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "not a P-256 key in PEM form; remove the file and a new account is made", path);
  }
  return AccountKey(key.release());
}

std::string AccountKey::jwk() const {
  const std::string point = point_of(key_.get());
  const std::string_view numbers = std::string_view(point).substr(1);
  return fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})",
                     base64url(numbers.substr(0, kNumberBytes)),
                     base64url(numbers.substr(kNumberBytes)));
}

std::string AccountKey::key_authorization(std::string_view token) const {
  return fmt::format("{}.{}", token, base64url(sha256(jwk())));
}

Result<std::string> AccountKey::sign(std::string_view header, std::string_view payload) const {
  const std::string head = base64url(header);
  const std::string body = base64url(payload);
  const std::string input = head + "." + body;
  const std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> digest(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(input.data());
  std::array<unsigned char, 128> der;
  size_t size = der.size();
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(digest.get(), der.data(), &size, data, input.size()) != 1) {
    return fail(ErrorCode::kInternal, "cannot sign: " + io::openssl_reason());
  }
  return fmt::format(R"({{"protected":"{}","payload":"{}","signature":"{}"}})", head, body,
                     base64url(fixed_signature(view(der.data(), size))));
}

}  // namespace cusp::node::acme
