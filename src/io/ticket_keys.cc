#include "io/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>

namespace cusp::io {

namespace {

// What OpenSSL takes from its callback.
constexpr int kFailed = -1;
constexpr int kUnknown = 0;
constexpr int kReady = 1;
constexpr int kReadyAndRenew = 2;

bool fill(std::span<unsigned char> bytes) {
  return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

}  // namespace

TicketKeys::~TicketKeys() { forget(); }

void TicketKeys::forget() {
  const std::lock_guard lock(mutex_);
  OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key));
  keys_.clear();
}

void TicketKeys::drop_old() {
  const auto now = now_();
  const auto kept = std::find_if(keys_.begin(), keys_.end(),
                                 [&](const Key& key) { return now - key.born < kOpenTime; });
  std::for_each(keys_.begin(), kept, [](Key& key) { OPENSSL_cleanse(&key, sizeof(key)); });
  keys_.erase(keys_.begin(), kept);
}

const TicketKeys::Key* TicketKeys::current() {
  const auto now = now_();
  if (!keys_.empty() && now - keys_.back().born < kSealTime) return &keys_.back();
  Key key = {.born = now};
  if (!fill(key.name) || !fill(key.cipher) || !fill(key.mac)) return nullptr;
  keys_.push_back(key);
  OPENSSL_cleanse(&key, sizeof(key));
  return &keys_.back();
}

int TicketKeys::prepare(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, bool seal) {
  const std::lock_guard lock(mutex_);
  drop_old();
  const EVP_CIPHER* aes = EVP_aes_256_cbc();
  const Key* key = nullptr;
  if (seal) {
    key = current();
    if (key == nullptr || RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1) return kFailed;
    std::copy(key->name.begin(), key->name.end(), name);
  } else {
    const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& one) {
      return std::equal(one.name.begin(), one.name.end(), name);
    });
    if (found == keys_.end()) return kUnknown;
    key = &*found;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(
          OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key->mac.data()), key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_CipherInit_ex(cipher, aes, nullptr, key->cipher.data(), iv, seal ? 1 : 0) != 1 ||
      EVP_MAC_CTX_set_params(mac, parameters) != 1) {
    return kFailed;
  }
  return now_() - key->born >= kSealTime ? kReadyAndRenew : kReady;
}

}  // namespace cusp::io
