#include "edge/auth/oidc_provider.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/log.h"
#include "edge/auth/json.h"
#include "edge/auth/secret.h"
#include "io/asio.h"

namespace cusp::edge {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kPause{1000};  // between two attempts at discovery

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string form_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", byte);
    }
  }
  return escaped;
}

bool is_trusted(const std::optional<Url>& url) {
  return url && (url->scheme == "https" || is_this_machine(url->host));
}

Result<OidcMetadataPtr> read_metadata(const OidcOptions& options, std::string_view text) {
  const auto document = parse_json_object(text);
  // Another issuer's document would let it speak for this one (section 4.3).
  if (!document || text_member(*document, "issuer") != options.issuer) {
    return fail(ErrorCode::kInvalidArgument, "the discovery document is not this issuer's");
  }
  const auto authorization = parse_url(text_member(*document, "authorization_endpoint"));
  const auto token = parse_url(text_member(*document, "token_endpoint"));
  const auto keys = parse_url(text_member(*document, "jwks_uri"));
  if (!is_trusted(authorization) || !is_trusted(token) || !is_trusted(keys)) {
    return fail(ErrorCode::kInvalidArgument, "an endpoint of the issuer is missing or not https");
  }
  auto metadata = std::make_shared<OidcMetadata>();
  metadata->authorization_endpoint = text_member(*document, "authorization_endpoint");
  metadata->token_endpoint = *token;
  metadata->end_session_endpoint = text_member(*document, "end_session_endpoint");
  if (!is_trusted(parse_url(metadata->end_session_endpoint))) metadata->end_session_endpoint = "";
  const auto methods = document->find("token_endpoint_auth_methods_supported");
  if (methods != document->end() && methods->is_array()) {
    metadata->secret_in_body = std::ranges::find(*methods, "client_secret_basic") == methods->end();
  }
  metadata->keys = std::make_unique<KeySource>(
      KeySource::Remote{.url = *keys, .private_addresses = options.private_addresses});
  return metadata;
}

}  // namespace

std::string form_encode(const std::vector<std::pair<std::string, std::string>>& form) {
  std::string text;
  for (const auto& [name, value] : form) {
    if (!text.empty()) text += '&';
    text += form_escape(name) + "=" + form_escape(value);
  }
  return text;
}

std::optional<json> OidcTokens::claims() const { return parse_json_object(claims_text); }

OidcMetadataPtr OidcProvider::metadata() const {
  const std::lock_guard lock(mutex_);
  return metadata_;
}

io::Task<OidcMetadataPtr> OidcProvider::discover(ShardContext& shard) {
  if (auto known = metadata()) co_return known;
  if (!flight_.try_begin(kPause)) {
    co_await flight_.wait(shard);
    co_return metadata();
  }
  const SingleFlight::Guard guard(flight_);
  auto asked = co_await ask(shard);
  if (!asked) {
    log::warn("the issuer {} cannot be used: {}", options_.issuer, asked.error().to_string());
    co_return nullptr;
  }
  const std::lock_guard lock(mutex_);
  metadata_ = std::move(*asked);
  co_return metadata_;
}

io::Task<Result<OidcMetadataPtr>> OidcProvider::ask(ShardContext& shard) const {
  std::string base = options_.issuer;
  if (base.ends_with('/')) base.pop_back();
  const auto url = parse_url(base + "/.well-known/openid-configuration");
  if (!url) co_return fail(ErrorCode::kInvalidArgument, "the issuer is not a URL");
  FetchRequest request{.url = *url,
                       .fields = {{"accept", "application/json"}},
                       .private_addresses = options_.private_addresses};
  CUSP_CO_TRY(const Fetched fetched, co_await fetch(shard, std::move(request)));
  if (fetched.status != 200) {
    co_return fail(ErrorCode::kUnavailable, fmt::format("discovery answers {}", fetched.status));
  }
  co_return read_metadata(options_, fetched.body);
}

io::Task<std::expected<OidcTokens, OidcFailure>> OidcProvider::redeem(ShardContext& shard,
                                                                      std::string code,
                                                                      std::string redirect_uri,
                                                                      std::string verifier,
                                                                      std::string nonce) {
  Form form = {{"grant_type", "authorization_code"},
               {"code", std::move(code)},
               {"redirect_uri", std::move(redirect_uri)},
               {"code_verifier", std::move(verifier)}};
  co_return co_await request_tokens(shard, std::move(form), std::move(nonce));
}

io::Task<std::expected<OidcTokens, OidcFailure>> OidcProvider::refresh(ShardContext& shard,
                                                                       std::string refresh_token) {
  Form form = {{"grant_type", "refresh_token"}, {"refresh_token", std::move(refresh_token)}};
  co_return co_await request_tokens(shard, std::move(form), "");
}

io::Task<std::expected<OidcTokens, OidcFailure>> OidcProvider::request_tokens(ShardContext& shard,
                                                                              Form form,
                                                                              std::string nonce) {
  const auto metadata = co_await discover(shard);
  if (!metadata) co_return std::unexpected(OidcFailure{false, "the issuer cannot be reached"});
  FetchRequest request{.url = metadata->token_endpoint,
                       .method = "POST",
                       .fields = {{"accept", "application/json"},
                                  {"content-type", "application/x-www-form-urlencoded"}},
                       .private_addresses = options_.private_addresses};
  if (!options_.client_secret.empty() && !metadata->secret_in_body) {
    // RFC 6749 section 2.3.1: both are escaped first.
    const std::string both =
        form_escape(options_.client_id) + ":" + form_escape(options_.client_secret);
    request.fields.emplace_back("authorization", "Basic " + base64_encode(both));
  } else {
    form.emplace_back("client_id", options_.client_id);
    if (!options_.client_secret.empty()) {
      form.emplace_back("client_secret", options_.client_secret);
    }
  }
  request.body = form_encode(form);
  const auto fetched = co_await fetch(shard, std::move(request));
  if (!fetched) co_return std::unexpected(OidcFailure{false, fetched.error().to_string()});
  if (fetched->status != 200) {
    co_return std::unexpected(OidcFailure{
        fetched->status / 100 == 4, fmt::format("the token endpoint answers {}", fetched->status)});
  }
  const auto answer = parse_json_object(fetched->body);
  if (!answer) co_return std::unexpected(OidcFailure{false, "its answer is not JSON"});
  OidcTokens tokens{.refresh_token = text_member(*answer, "refresh_token")};
  if (const auto lifetime = answer->find("expires_in");
      lifetime != answer->end() && lifetime->is_number_unsigned()) {
    constexpr uint64_t kYear = 365 * 24 * 3600;
    tokens.lifetime = std::chrono::seconds(std::min(lifetime->get<uint64_t>(), kYear));
  }
  std::string id_token = text_member(*answer, "id_token");
  if (id_token.empty() && nonce.empty()) co_return tokens;  // a refresh may leave it out
  auto claims = co_await verify(shard, *metadata, std::move(id_token), std::move(nonce));
  if (!claims) {
    co_return std::unexpected(OidcFailure{true, "the ID token: " + claims.error().reason});
  }
  tokens.claims_text = std::move(*claims);
  co_return tokens;
}

// OpenID Connect Core 1.0 section 3.1.3.7.
io::Task<std::expected<std::string, TokenProblem>> OidcProvider::verify(ShardContext& shard,
                                                                        OidcMetadata& metadata,
                                                                        std::string id_token,
                                                                        std::string nonce) const {
  const auto token = parse_token(id_token);
  if (!token) co_return std::unexpected(token.error());
  auto keys = metadata.keys->keys();
  auto verified = keys ? verify_signature(*token, *keys)
                       : std::unexpected(TokenProblem{TokenProblem::Kind::kUnknownKey, "no keys"});
  if (!verified && verified.error().kind == TokenProblem::Kind::kUnknownKey) {
    co_await metadata.keys->refresh(shard, keys != nullptr);
    keys = metadata.keys->keys();
    if (keys) verified = verify_signature(*token, *keys);
  }
  if (!verified) co_return std::unexpected(verified.error());
  const TokenRules rules{.algorithms = options_.algorithms,
                         .issuers = {options_.issuer},
                         .audiences = {options_.client_id}};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto claims = check_claims(*token, rules, now);
  if (!claims) co_return std::unexpected(claims.error());
  const auto refuse = [](std::string reason) {
    return std::unexpected(TokenProblem{TokenProblem::Kind::kInvalid, std::move(reason)});
  };
  if (text_member(*claims, "sub").empty()) co_return refuse("it names nobody");
  const std::string party = text_member(*claims, "azp");
  if (!party.empty() && party != options_.client_id) co_return refuse("it is for another client");
  // Only what was asked for now: a token that was stolen elsewhere has another nonce.
  if (!nonce.empty() && !equal_in_constant_time(text_member(*claims, "nonce"), nonce)) {
    co_return refuse("its nonce is not right");
  }
  co_return token->claims;
}

}  // namespace cusp::edge
