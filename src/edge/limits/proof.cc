#include "edge/limits/proof.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include <fmt/format.h>

namespace cusp::edge {

namespace {

constexpr size_t kMacBytes = 16;
constexpr size_t kProofBytesMax = 128;
constexpr char kChallenge = 'c';
constexpr char kClearance = 'p';

int64_t seconds_of(Proofs::Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

unsigned leading_zero_bits(const std::array<uint8_t, SHA256_DIGEST_LENGTH>& digest) {
  unsigned bits = 0;
  for (const uint8_t byte : digest) {
    bits += static_cast<unsigned>(std::countl_zero(byte));
    if (byte != 0) break;
  }
  return bits;
}

}  // namespace

// "c1767225600.", and the HMAC in hexadecimal.
std::string Proofs::sign(char kind, std::string_view client, int64_t expiry) const {
  const std::string said = fmt::format("{}{}.", kind, expiry);
  const std::string signed_text = fmt::format("{}{}{}", said, difficulty_, client);
  std::array<uint8_t, EVP_MAX_MD_SIZE> mac{};
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const uint8_t*>(signed_text.data()), signed_text.size(), mac.data(),
       nullptr);
  std::string text = said;
  for (size_t i = 0; i < kMacBytes; ++i) text += fmt::format("{:02x}", mac[i]);
  return text;
}

bool Proofs::verify(char kind, std::string_view text, std::string_view client,
                    Clock::time_point now) const {
  if (text.size() > kProofBytesMax || !text.starts_with(kind)) return false;
  int64_t expiry = 0;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data() + 1, end, expiry);
  if (error != std::errc() || expiry <= seconds_of(now)) return false;
  const std::string expected = sign(kind, client, expiry);
  return text.size() == expected.size() &&
         CRYPTO_memcmp(text.data(), expected.data(), expected.size()) == 0;
}

std::string Proofs::challenge(std::string_view client, Clock::time_point now) const {
  return sign(kChallenge, client, seconds_of(now + kTimeToSolve));
}

bool Proofs::solves(std::string_view proof, std::string_view client, Clock::time_point now) const {
  const size_t dot = proof.rfind('.');
  if (dot == proof.npos || proof.size() > kProofBytesMax) return false;
  // The number in one form only.
  const std::string_view number = proof.substr(dot + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (number.empty() || number.size() > 10 || !std::ranges::all_of(number, digit)) return false;
  if (!verify(kChallenge, proof.substr(0, dot), client, now)) return false;
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const uint8_t*>(proof.data()), proof.size(), digest.data());
  return leading_zero_bits(digest) >= difficulty_;
}

std::string Proofs::clearance(std::string_view client, Clock::time_point now) const {
  return sign(kClearance, client, seconds_of(now + clearance_time_));
}

bool Proofs::is_clearance(std::string_view text, std::string_view client,
                          Clock::time_point now) const {
  return verify(kClearance, text, client, now);
}

}  // namespace cusp::edge
