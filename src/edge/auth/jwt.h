#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "edge/auth/key.h"

namespace cusp::edge {

// A larger token is refused unread.
inline constexpr size_t kTokenBytesMax = 16 * 1024;

// Why a token is not accepted, as one sentence for people. It names no part of the token.
struct TokenProblem {
  enum class Kind : uint8_t {
    kInvalid,       // not a token of ours, or not any more
    kUnknownKey,    // it may be good: no key that is there has made it
    kInsufficient,  // a good one, that does not grant what is asked
  };
  Kind kind;
  std::string reason;
};

// A JSON Web Token in its compact form (RFC 7515 section 7.1), taken apart; nothing of it has been
// verified. Views point into the text it was parsed from.
struct Token {
  Algorithm algorithm;
  std::string key_id;  // "kid"; empty: none
  std::string type;    // "typ"; empty: none
  std::string_view signed_part;
  std::string signature;
  std::string claims;  // JSON text
};

// Of the header, nothing else is heeded: no key and no address of one is taken from a token. A
// token whose header says "crit" is refused, as nothing is understood that it could name.
std::expected<Token, TokenProblem> parse_token(std::string_view text);

// Verifies the signature with the keys that the token may have been made with: those of its kid
// where it has one and they have.
std::expected<void, TokenProblem> verify_signature(const Token& token, std::span<const Key> keys);

// What a token must be like, beyond its signature. docs/formats/edge.md says what each is for.
struct TokenRules {
  std::vector<Algorithm> algorithms;
  std::vector<std::string> issuers;    // one of them; empty: any
  std::vector<std::string> audiences;  // the same
  std::string type;                    // empty: any
  std::chrono::seconds leeway{30};
  bool needs_expiry = true;
  std::chrono::seconds age_max{0};  // since "iat"; 0: any
  // Claims that must have one of these values, or be a list with one.
  std::map<std::string, std::vector<std::string>> claims;
  std::vector<std::string> scopes;  // all of them
};

// The claims of a token that keeps the rules (RFC 7519 section 4.1). `now` is in seconds since
// 1970.
std::expected<nlohmann::json, TokenProblem> check_claims(const Token& token,
                                                         const TokenRules& rules,
                                                         std::chrono::sys_seconds now);

// A claim by its path: "sub", or "realm_access.roles" where no claim has that very name. Null when
// it is not there.
const nlohmann::json* find_claim(const nlohmann::json& claims, std::string_view path);
// As text: strings as they are, the members of a list joined by ",", everything else as JSON.
std::string claim_text(const nlohmann::json& claim);

}  // namespace cusp::edge
