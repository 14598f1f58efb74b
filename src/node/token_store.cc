#include "node/token_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/log.h"
#include "edge/auth/secret.h"
#include "node/sealed_file.h"

namespace cusp::node {

namespace {

using nlohmann::json;
using std::chrono::sys_seconds;
using std::chrono::system_clock;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kIdPrefix = "CUSP";
constexpr size_t kIdRandomBytes = 16;  // one for each character
constexpr size_t kSecretBytes = 32;
constexpr size_t kNameBytesMax = 128;
constexpr std::string_view kKinds[] = {"kv", "sql", "object", "queue"};

// Capital letters and digits, as S3's tools expect an access key (RFC 4648 section 6).
std::string make_id() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(kIdPrefix);
  for (const char byte : edge::random_bytes(kIdRandomBytes)) {
    id += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  }
  return id;
}

std::string purpose_of(const std::string& id) { return "token\n" + id; }

std::string encode(const Token& token) {
  json scopes = json::array();
  for (const auto& scope : token.grant.scopes) {
    scopes.push_back({{"kind", to_string(scope.kind)}, {"store", scope.store}});
  }
  json text = {{"secret", token.secret},
               {"app", token.grant.app},
               {"scopes", std::move(scopes)},
               {"write", token.grant.access == Access::kWrite}};
  if (token.grant.expires) text["expires"] = token.grant.expires->time_since_epoch().count();
  return text.dump();
}

// What was sealed here has the form that encode() gave it, or one of a newer version.
std::optional<Token> decode(const std::string& id, const std::string& text) {
  try {
    const json from = json::parse(text);
    Token token{.id = id, .secret = from.at("secret")};
    token.grant.app = from.at("app");
    token.grant.access = from.at("write").get<bool>() ? Access::kWrite : Access::kRead;
    for (const auto& scope : from.at("scopes")) {
      const auto kind = store_kind(scope.at("kind").get<std::string>());
      if (!kind) return std::nullopt;
      token.grant.scopes.push_back({*kind, scope.at("store")});
    }
    if (from.contains("expires")) {
      token.grant.expires = sys_seconds(std::chrono::seconds(from["expires"].get<int64_t>()));
    }
    return token;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

Result<> check_name(const std::string& name, const char* what) {
  const bool plain = !name.empty() && name.size() <= kNameBytesMax &&
                     std::ranges::none_of(name, [](unsigned char c) { return c < ' '; });
  if (plain) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not the name of {}", name, what));
}

class TokenStoreImpl final : public TokenStore {
 public:
  TokenStoreImpl(const std::string& state_directory, edge::Sealer sealer)
      : file_(state_directory + "/tokens", "tokens.json", "tokens"), sealer_(std::move(sealer)) {}

  Result<Token> create(TokenGrant grant) override;
  Result<> revoke(const std::string& id) override;
  Result<std::vector<Token>> list() override;
  TokenPtr find(std::string_view id) override;

 private:
  using Tokens = std::map<std::string, TokenPtr, std::less<>>;
  using Clock = std::chrono::steady_clock;

  Result<Tokens> read() const;
  void refresh();

  const SealedFile file_;
  const edge::Sealer sealer_;
  std::mutex mutex_;  // guards what follows
  Tokens tokens_;
  Clock::time_point looked_{};
  timespec modified_{};
  ino_t inode_ = 0;
};

Result<Token> TokenStoreImpl::create(TokenGrant grant) {
  CUSP_CHECK(check_name(grant.app, "an application"));
  for (const auto& scope : grant.scopes) CUSP_CHECK(check_name(scope.store, "a store"));
  const Token token{.id = make_id(),
                    .secret = base64url_encode(edge::random_bytes(kSecretBytes)),
                    .grant = std::move(grant)};
  CUSP_CHECK(file_.change([&](Sealed& sealed) -> Result<> {
    if (sealed.size() >= kTokensMax) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("there are {} tokens already; revoke those that nobody needs",
                              sealed.size()));
    }
    sealed[token.id] = sealer_.seal(encode(token), purpose_of(token.id));
    return {};
  }));
  return token;
}

Result<> TokenStoreImpl::revoke(const std::string& id) {
  return file_.change([&](Sealed& sealed) -> Result<> {
    if (sealed.erase(id) > 0) return {};
    return fail(ErrorCode::kNotFound, fmt::format("there is no token '{}'", id));
  });
}

Result<std::vector<Token>> TokenStoreImpl::list() {
  CUSP_TRY(const Tokens tokens, read());
  std::vector<Token> list;
  for (const auto& [id, token] : tokens) list.push_back(*token);
  return list;
}

Result<TokenStoreImpl::Tokens> TokenStoreImpl::read() const {
  CUSP_TRY(const Sealed sealed, file_.read());
  Tokens tokens;
  for (const auto& [id, text] : sealed) {
    const auto opened = sealer_.open(text, purpose_of(id));
    auto token = opened ? decode(id, *opened) : std::nullopt;
    if (!token) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("the token '{}' was sealed with another key, or was changed; revoke "
                              "it, or set CUSP_SECRETS_KEY to the key it was made with",
                              id),
                  file_.path());
    }
    tokens.emplace(id, std::make_shared<const Token>(std::move(*token)));
  }
  return tokens;
}

// Reads the file again when it is another one than before.
void TokenStoreImpl::refresh() {
  looked_ = Clock::now();
  struct stat status{};
  if (::stat(file_.path().c_str(), &status) != 0) status = {};
  const bool same = status.st_ino == inode_ && status.st_mtim.tv_sec == modified_.tv_sec &&
                    status.st_mtim.tv_nsec == modified_.tv_nsec;
  if (same) return;
  inode_ = status.st_ino;
  modified_ = status.st_mtim;
  auto tokens = read();
  if (tokens) {
    tokens_ = std::move(*tokens);
  } else {
    log::error("{}", tokens.error().to_string());
  }
}

TokenPtr TokenStoreImpl::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  auto found = tokens_.find(id);
  // Who comes with one that is not known has it from a moment ago, or guesses: a look costs little.
  if (found == tokens_.end() || Clock::now() - looked_ >= kLookInterval) {
    refresh();
    found = tokens_.find(id);
  }
  if (found == tokens_.end() || found->second->expired(system_clock::now())) return nullptr;
  return found->second;
}

}  // namespace

std::string_view to_string(StoreKind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::optional<StoreKind> store_kind(std::string_view text) {
  const auto found = std::ranges::find(kKinds, text);
  if (found == std::end(kKinds)) return std::nullopt;
  return static_cast<StoreKind>(found - std::begin(kKinds));
}

bool TokenGrant::allows(std::string_view of_app, StoreKind kind, std::string_view store,
                        Access wanted) const {
  if (app != of_app || (wanted == Access::kWrite && access != Access::kWrite)) return false;
  return scopes.empty() || std::ranges::any_of(scopes, [&](const TokenScope& scope) {
           return scope.kind == kind && (scope.store == "*" || scope.store == store);
         });
}

TokenPtr TokenStore::authenticate(std::string_view authorization) {
  if (!authorization.starts_with(kBearer)) return nullptr;
  authorization.remove_prefix(kBearer.size());
  const size_t end = authorization.find('_');
  if (end == authorization.npos) return nullptr;
  TokenPtr token = find(authorization.substr(0, end));
  const std::string_view secret = authorization.substr(end + 1);
  return token && edge::equal_in_constant_time(secret, token->secret) ? token : nullptr;
}

Result<std::unique_ptr<TokenStore>> TokenStore::open(const std::string& state_directory) {
  CUSP_TRY(edge::Sealer sealer, open_sealer(state_directory));
  return std::make_unique<TokenStoreImpl>(state_directory, std::move(sealer));
}

}  // namespace cusp::node
