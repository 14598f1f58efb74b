#include "edge/auth/seal.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "base/assert.h"
#include "base/base64.h"
#include "edge/auth/secret.h"

namespace cusp::edge {

namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&::EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Context make_context() { return {::EVP_CIPHER_CTX_new(), ::EVP_CIPHER_CTX_free}; }

std::optional<std::string> try_open(const std::string& key, std::string_view nonce,
                                    std::string_view text, std::string tag,
                                    std::string_view purpose) {
  const Context context = make_context();
  std::string plain(text.size(), '\0');
  int size = 0;
  const bool opened =
      ::EVP_DecryptInit_ex(context.get(), ::EVP_aes_256_gcm(), nullptr,
                           bytes(std::string_view(key)), bytes(nonce)) == 1 &&
      ::EVP_DecryptUpdate(context.get(), nullptr, &size, bytes(purpose),
                          static_cast<int>(purpose.size())) == 1 &&
      ::EVP_DecryptUpdate(context.get(), bytes(plain), &size, bytes(text),
                          static_cast<int>(text.size())) == 1 &&
      ::EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      ::EVP_DecryptFinal_ex(context.get(), bytes(plain) + size, &size) == 1;
  ::ERR_clear_error();  // what went wrong here is not for the TLS sessions of this thread
  return opened ? std::optional(std::move(plain)) : std::nullopt;
}

}  // namespace

Sealer::Sealer(const std::vector<std::string>& secrets) {
  CUSP_ASSERT(!secrets.empty());
  // Secrets come as people write them; a key of this cipher is 32 bytes that serve nothing else.
  for (const std::string& secret : secrets) {
    keys_.push_back(hmac_sha256(secret, "cusp sealed cookies, AES-256-GCM, 1"));
  }
}

std::string Sealer::seal(std::string_view text, std::string_view purpose) const {
  const std::string nonce = random_bytes(kNonceBytes);
  std::string sealed(text.size(), '\0');
  std::string tag(kTagBytes, '\0');
  int size = 0;
  const Context context = make_context();
  const bool done =
      ::EVP_EncryptInit_ex(context.get(), ::EVP_aes_256_gcm(), nullptr,
                           bytes(std::string_view(keys_.front())),
                           bytes(std::string_view(nonce))) == 1 &&
      ::EVP_EncryptUpdate(context.get(), nullptr, &size, bytes(purpose),
                          static_cast<int>(purpose.size())) == 1 &&
      ::EVP_EncryptUpdate(context.get(), bytes(sealed), &size, bytes(text),
                          static_cast<int>(text.size())) == 1 &&
      ::EVP_EncryptFinal_ex(context.get(), bytes(sealed) + size, &size) == 1 &&
      ::EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  CUSP_ASSERT(done);
  return base64url_encode(nonce + sealed + tag);
}

std::optional<std::string> Sealer::open(std::string_view sealed, std::string_view purpose) const {
  const auto decoded = base64url_decode(sealed);
  if (!decoded || decoded->size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::string_view all = *decoded;
  const std::string_view text = all.substr(kNonceBytes, all.size() - kNonceBytes - kTagBytes);
  for (const std::string& key : keys_) {
    auto opened = try_open(key, all.substr(0, kNonceBytes), text,
                           std::string(all.substr(all.size() - kTagBytes)), purpose);
    if (opened) return opened;
  }
  return std::nullopt;
}

}  // namespace cusp::edge
