#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::node {

enum class StoreKind : uint8_t { kKeyValue, kSql, kObject, kQueue };
enum class Access : uint8_t { kRead, kWrite };

// "kv", "sql", "object", "queue"
std::string_view to_string(StoreKind kind);
std::optional<StoreKind> store_kind(std::string_view text);

// One store of an application, or all of a kind.
struct TokenScope {
  StoreKind kind = StoreKind::kKeyValue;
  std::string store = "*";

  bool operator==(const TokenScope&) const = default;
};

// What somebody outside of the node may do with an application's stores.
struct TokenGrant {
  std::string app;
  std::vector<TokenScope> scopes;  // none: every store
  Access access = Access::kRead;   // kWrite is also to read
  std::optional<std::chrono::sys_seconds> expires;

  bool allows(std::string_view of_app, StoreKind kind, std::string_view store, Access wanted) const;
};

// A grant and how its holder proves to have it. As a bearer token (RFC 6750) it reads ID_SECRET; of
// S3 the id is the access key and the secret the secret key.
struct Token {
  std::string id;      // 20 characters, "CUSP" first
  std::string secret;  // 256 random bits in base64url
  TokenGrant grant;

  std::string bearer() const { return id + "_" + secret; }
  bool expired(std::chrono::system_clock::time_point now) const {
    return grant.expires && *grant.expires <= now;
  }
};
using TokenPtr = std::shared_ptr<const Token>;

// The tokens of a node: `tokens/tokens.json` in its state folder, each sealed as secrets are
// (sealed_file.h). A token that another process makes counts at once, one that it revokes within
// kLookInterval. Thread-safe. It blocks
// for as long as it takes to read a small file. Errors: those of SealedFile, kDataLoss (sealed with
// another key).
class TokenStore {
 public:
  static Result<std::unique_ptr<TokenStore>> open(const std::string& state_directory);
  virtual ~TokenStore() = default;

  // Errors: kInvalidArgument: names that cannot be.
  virtual Result<Token> create(TokenGrant grant) = 0;
  // kNotFound: there is none with that id.
  virtual Result<> revoke(const std::string& id) = 0;
  // By id, also those that have expired.
  virtual Result<std::vector<Token>> list() = 0;

  // The one with that id, unless it has expired; null: there is none. What is wrong with the file
  // is logged, and the tokens known before still count.
  virtual TokenPtr find(std::string_view id) = 0;
  // The one of a field "authorization: Bearer ID_SECRET"; null: it is not one.
  TokenPtr authenticate(std::string_view authorization);

  static constexpr std::chrono::seconds kLookInterval{1};
  static constexpr size_t kTokensMax = 10'000;
};

}  // namespace cusp::node
