#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "edge/auth/seal.h"

namespace cusp::edge {

// What a browser keeps for us, sealed, while its user is logged in.
struct OidcSession {
  std::chrono::sys_seconds ends;
  std::chrono::sys_seconds renew;  // when the issuer is to be asked again; the epoch: never
  std::string refresh_token;
  std::map<std::string, std::string> fields;  // what the origin is told
};

// And while it is at the issuer's to log in.
struct OidcLogin {
  std::chrono::sys_seconds ends;
  std::string state;
  std::string nonce;
  std::string verifier;  // of PKCE (RFC 7636)
  std::string target;    // where the user wanted to go
};

// `purpose` keeps the cookies of one application from being those of another.
std::string seal(const OidcSession& session, const Sealer& sealer, std::string_view purpose);
std::string seal(const OidcLogin& login, const Sealer& sealer, std::string_view purpose);
// Nothing for what was not sealed here, or is over.
std::optional<OidcSession> open_session(std::string_view cookie, const Sealer& sealer,
                                        std::string_view purpose, std::chrono::sys_seconds now);
std::optional<OidcLogin> open_login(std::string_view cookie, const Sealer& sealer,
                                    std::string_view purpose, std::chrono::sys_seconds now);

}  // namespace cusp::edge
