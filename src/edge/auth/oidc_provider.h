#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "edge/auth/fetch.h"
#include "edge/auth/jwt.h"
#include "edge/auth/key_source.h"
#include "edge/auth/single_flight.h"

namespace cusp::edge {

struct OidcOptions {
  std::string issuer;
  std::string client_id;
  std::string client_secret;  // empty: a public client, whom PKCE alone protects
  std::vector<Algorithm> algorithms{Algorithm::kRs256};
  bool private_addresses = false;
};

// What an issuer says of itself (OpenID Connect Discovery 1.0 section 3).
struct OidcMetadata {
  std::string authorization_endpoint;
  Url token_endpoint;
  std::string end_session_endpoint;  // empty: it has none
  bool secret_in_body = false;       // it does not take secrets in Authorization
  std::unique_ptr<KeySource> keys;
};
using OidcMetadataPtr = std::shared_ptr<OidcMetadata>;

// The answer to a code or a refresh token (OpenID Connect Core 1.0 section 3.1.3.3), verified.
struct OidcTokens {
  std::optional<nlohmann::json> claims() const;  // of the ID token; nothing: there was none
  std::string claims_text;                       // as JSON
  std::string refresh_token;                     // empty: none
  std::chrono::seconds lifetime{0};              // of the access; 0: not said
};

// How the issuer failed us.
struct OidcFailure {
  bool refused = false;  // it answered, and said no: asking again is of no use
  std::string reason;    // for the log
};

// One OpenID provider. Shared by all shards; thread-safe.
class OidcProvider {
 public:
  explicit OidcProvider(OidcOptions options) : options_(std::move(options)) {}

  // Null: nothing is known yet.
  OidcMetadataPtr metadata() const;
  // Asks the issuer, or waits for whoever does; null when it gives no good answer.
  io::Task<OidcMetadataPtr> discover(ShardContext& shard);

  // `nonce`: what the ID token must hold; without an ID token the answer is refused then.
  io::Task<std::expected<OidcTokens, OidcFailure>> redeem(ShardContext& shard, std::string code,
                                                          std::string redirect_uri,
                                                          std::string verifier, std::string nonce);
  io::Task<std::expected<OidcTokens, OidcFailure>> refresh(ShardContext& shard,
                                                           std::string refresh_token);

  const OidcOptions& options() const { return options_; }

 private:
  using Form = std::vector<std::pair<std::string, std::string>>;
  io::Task<Result<OidcMetadataPtr>> ask(ShardContext& shard) const;
  io::Task<std::expected<OidcTokens, OidcFailure>> request_tokens(ShardContext& shard, Form form,
                                                                  std::string nonce);
  io::Task<std::expected<std::string, TokenProblem>> verify(ShardContext& shard,
                                                            OidcMetadata& metadata,
                                                            std::string id_token,
                                                            std::string nonce) const;

  const OidcOptions options_;
  SingleFlight flight_;
  mutable std::mutex mutex_;  // guards what follows
  OidcMetadataPtr metadata_;
};

// "a=b&c=d", escaped (WHATWG URL section 5.2).
std::string form_encode(const std::vector<std::pair<std::string, std::string>>& form);

}  // namespace cusp::edge
