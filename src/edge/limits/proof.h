#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cusp::edge {

// Proof of work: a client finds a number that makes the SHA-256 of a challenge and that number
// begin with so many zero bits, and gets a clearance for it. Nothing is remembered: challenges and
// clearances carry their expiry and an HMAC over it and the client (client_key()), so that neither
// serves anybody else or for longer. Immutable and thread-safe.
class Proofs {
 public:
  using Clock = std::chrono::system_clock;
  static constexpr unsigned kDifficultyMax = 24;
  static constexpr std::chrono::seconds kTimeToSolve{300};

  // `key`: of the HMAC. `difficulty`: bits, at most kDifficultyMax.
  Proofs(std::string key, unsigned difficulty, std::chrono::seconds clearance_time)
      : key_(std::move(key)), difficulty_(difficulty), clearance_time_(clearance_time) {}

  // Letters, digits and dots.
  std::string challenge(std::string_view client, Clock::time_point now = Clock::now()) const;
  // Whether `proof` is a challenge of this client, a dot and a number that solves it.
  bool solves(std::string_view proof, std::string_view client,
              Clock::time_point now = Clock::now()) const;

  std::string clearance(std::string_view client, Clock::time_point now = Clock::now()) const;
  bool is_clearance(std::string_view text, std::string_view client,
                    Clock::time_point now = Clock::now()) const;

  unsigned difficulty() const { return difficulty_; }
  std::chrono::seconds clearance_time() const { return clearance_time_; }

 private:
  std::string sign(char kind, std::string_view client, int64_t expiry) const;
  bool verify(char kind, std::string_view text, std::string_view client,
              Clock::time_point now) const;

  const std::string key_;
  const unsigned difficulty_;
  const std::chrono::seconds clearance_time_;
};

// The page that solves a challenge in a browser: it sets the cookie kProofCookie and loads itself
// again. Needs nothing but itself. `nonce` is that of its content security policy.
std::string challenge_page(std::string_view challenge, unsigned difficulty, std::string_view nonce);
inline constexpr std::string_view kProofCookie = "cusp-proof";

}  // namespace cusp::edge
