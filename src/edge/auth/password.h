#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace cusp::edge {

// Whether crypt(5) knows the method of a hash, and it is one that is slow enough: yescrypt, bcrypt,
// scrypt, SHA-512 or SHA-256.
bool is_password_hash(const std::string& hash);

// Whether `hash` is that of the password. Takes as long as the hash was made to take, up to a
// second: for the blocking pool alone. Thread-safe.
bool verify_password(const std::string& password, const std::string& hash);

// Pairs of name and password that have been verified lately, so that a browser that sends them with
// each request is not made to wait for each. Holds digests under a key that dies with the process.
// Thread-safe.
class VerifiedPasswords {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kLifetime{5};
  static constexpr size_t kEntriesMax = 4096;

  VerifiedPasswords();

  bool contains(const std::string& name, const std::string& password) const;
  void add(const std::string& name, const std::string& password);

 private:
  std::string digest(const std::string& name, const std::string& password) const;

  const std::string key_;
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, Clock::time_point> until_;
};

}  // namespace cusp::edge
