#include "edge/auth/password.h"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "edge/auth/secret.h"

namespace cusp::edge {

bool is_password_hash(const std::string& hash) {
  constexpr std::array kMethods =
      std::to_array<std::string_view>({"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$2a$", "$6$", "$5$"});
  const bool known = std::ranges::any_of(
      kMethods, [&](std::string_view method) { return hash.starts_with(method); });
  // What crypt calls a legacy method may still be one of these: SHA-256.
  const int check = ::crypt_checksalt(hash.c_str());
  return known && (check == CRYPT_SALT_OK || check == CRYPT_SALT_METHOD_LEGACY);
}

bool verify_password(const std::string& password, const std::string& hash) {
  const auto work = std::make_unique<crypt_data>();  // 32 KiB
  const char* made = ::crypt_r(password.c_str(), hash.c_str(), work.get());
  // A failure gives a text that begins with "*", which no hash does.
  return made != nullptr && equal_in_constant_time(made, hash);
}

VerifiedPasswords::VerifiedPasswords() : key_(random_bytes(32)) {}

std::string VerifiedPasswords::digest(const std::string& name, const std::string& password) const {
  return hmac_sha256(key_, name + '\0' + password);
}

bool VerifiedPasswords::contains(const std::string& name, const std::string& password) const {
  const std::string wanted = digest(name, password);
  const std::lock_guard lock(mutex_);
  const auto found = until_.find(wanted);
  return found != until_.end() && Clock::now() < found->second;
}

void VerifiedPasswords::add(const std::string& name, const std::string& password) {
  const auto now = Clock::now();
  std::string verified = digest(name, password);
  const std::lock_guard lock(mutex_);
  if (until_.size() >= kEntriesMax) {
    std::erase_if(until_, [&](const auto& entry) { return entry.second <= now; });
    if (until_.size() >= kEntriesMax) until_.clear();
  }
  until_[std::move(verified)] = now + kLifetime;
}

}  // namespace cusp::edge
