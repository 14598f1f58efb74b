#include "edge/auth/jwt.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "edge/auth/credentials.h"
#include "edge/auth/json.h"
#include "edge/auth/key_source.h"
#include "edge/auth/secret.h"
#include "edge/features/features.h"
#include "io/asio.h"

// jwt = { jwks_url = "https://id.example.com/keys", algorithms = ["RS256"],
//         issuer = "https://id.example.com", audience = "shop", fields = { x-user = "sub" } }
namespace cusp::edge {

namespace {

struct JwtOptions {
  std::string realm;
  std::string cookie;     // where tokens are besides Authorization; empty: nowhere else
  std::string parameter;  // the same
  bool required = true;
  TokenRules rules;
  std::vector<std::pair<TrustedField, std::string>> fields;  // → path of a claim
};

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

using Verified = std::expected<void, TokenProblem>;

bool has_unknown_key(const Verified& verified) {
  return !verified && verified.error().kind == TokenProblem::Kind::kUnknownKey;
}

class Jwt final : public Feature {
 public:
  Jwt(JwtOptions options, std::unique_ptr<KeySource> source)
      : options_(std::move(options)), source_(std::move(source)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    for (const auto& [field, _] : options_.fields) field.remove_forged(exchange.request.fields);
    const auto text = find_token(exchange.request);
    if (!text) {
      exchange.explain([] { return "no token"; });
      if (!options_.required) return Continue{};
      return unauthorized("Bearer realm=" + quoted_string(options_.realm));
    }
    const auto token = parse_token(*text);
    if (!token) return refuse(exchange, token.error());
    const auto keys = source_->keys();
    if (!keys || source_->wants_refresh(false)) return Wait{};
    const Verified verified = verify_signature(*token, *keys);
    if (has_unknown_key(verified) && source_->wants_refresh(true)) return Wait{};
    return decide(exchange, *token, verified);
  }

  io::Task<Outcome> act_later(Exchange& exchange) const override {
    const std::string text = find_token(exchange.request).value_or("");
    const auto token = parse_token(text);
    if (!token) co_return refuse(exchange, token.error());
    auto keys = source_->keys();
    const bool unknown = keys && has_unknown_key(verify_signature(*token, *keys));
    co_await source_->refresh(exchange.shard, unknown);
    keys = source_->keys();
    if (!keys) {
      exchange.explain([] { return "the keys of the issuer cannot be fetched"; });
      http::Response response = http::text_response(503, "Service Unavailable\n");
      response.fields.set("retry-after", "1");
      co_return response;
    }
    co_return decide(exchange, *token, verify_signature(*token, *keys));
  }

 private:
  std::optional<std::string> find_token(const http::Request& request) const {
    if (auto token = authorization(request.fields, "bearer")) return token;
    if (!options_.cookie.empty()) {
      if (auto token = find_cookie(request.fields, options_.cookie)) return token;
    }
    if (options_.parameter.empty()) return std::nullopt;
    return find_parameter(request.target, options_.parameter);
  }

  Outcome decide(Exchange& exchange, const Token& token, const Verified& verified) const {
    if (!verified) return refuse(exchange, verified.error());
    const auto claims = check_claims(token, options_.rules, now());
    if (!claims) return refuse(exchange, claims.error());
    for (const auto& [field, path] : options_.fields) {
      if (const auto* claim = find_claim(*claims, path)) {
        field.set(exchange.request.fields, claim_text(*claim));
      }
    }
    exchange.known_good = true;
    exchange.explain([] { return "the token is good"; });
    return Continue{};
  }

  // RFC 6750 section 3.1.
  Outcome refuse(Exchange& exchange, const TokenProblem& problem) const {
    exchange.explain([&] { return problem.reason; });
    const bool insufficient = problem.kind == TokenProblem::Kind::kInsufficient;
    std::string challenge = fmt::format(
        "Bearer realm={}, error=\"{}\", error_description={}", quoted_string(options_.realm),
        insufficient ? "insufficient_scope" : "invalid_token", quoted_string(problem.reason));
    if (!insufficient) return unauthorized(std::move(challenge));
    if (!options_.rules.scopes.empty()) {
      challenge +=
          ", scope=" + quoted_string(fmt::format("{}", fmt::join(options_.rules.scopes, " ")));
    }
    http::Response response = forbidden();
    response.fields.set("www-authenticate", challenge);
    return response;
  }

  const JwtOptions options_;
  const std::unique_ptr<KeySource> source_;
};

std::vector<std::string> one_or_many(TableReader& table, std::string_view key) {
  const auto value = table.value(key);
  return value ? value->one_or_many_strings() : std::vector<std::string>();
}

// There is no default: whoever signs knows how, and nothing else is accepted.
std::vector<Algorithm> read_algorithms(TableReader& table) {
  std::vector<Algorithm> algorithms;
  const auto value = table.value("algorithms");
  if (!value) {
    table.error("'jwt' needs 'algorithms', such as [\"RS256\"]: what the issuer signs with");
    return algorithms;
  }
  for (const std::string& name : value->one_or_many_strings()) {
    const auto algorithm = algorithm_of(name);
    if (algorithm) {
      algorithms.push_back(*algorithm);
    } else {
      value->error(
          fmt::format("'{}' is no algorithm for signatures: expected HS256, RS256, PS256, "
                      "ES256, their like with 384 or 512, or EdDSA",
                      name));
    }
  }
  if (algorithms.empty()) value->error("'algorithms' needs at least one");
  return algorithms;
}

std::chrono::seconds read_seconds(TableReader& table, std::string_view key,
                                  std::chrono::seconds fallback) {
  const auto value = table.value(key);
  const auto duration = value ? value->duration() : std::nullopt;
  return duration ? std::chrono::duration_cast<std::chrono::seconds>(*duration) : fallback;
}

TokenRules read_rules(TableReader& table) {
  TokenRules rules;
  rules.algorithms = read_algorithms(table);
  rules.issuers = one_or_many(table, "issuer");
  rules.audiences = one_or_many(table, "audience");
  rules.type = table.string_or("type", "");
  rules.leeway = read_seconds(table, "leeway", rules.leeway);
  rules.age_max = read_seconds(table, "max_age", rules.age_max);
  rules.needs_expiry = table.boolean("require_expiry").value_or(true);
  rules.scopes = one_or_many(table, "scopes");
  if (auto claims = table.table("claims")) {
    for (const auto& entry : claims->entries()) {
      rules.claims[entry.key] = entry.value.one_or_many_strings();
    }
  }
  return rules;
}

void add_key(std::vector<Key>& keys, const Value& value, Result<Key> key) {
  if (key) {
    keys.push_back(std::move(*key));
  } else {
    value.error(key.error().message);
  }
}

// Keys that are written down: `secret`, `public_key` (a file of PEM or JSON, or the text itself).
std::vector<Key> read_keys(TableReader& table, const FeatureContext& context) {
  std::vector<Key> keys;
  if (const auto value = table.value("secret")) {
    if (auto secret = read_secret(*value, context.directory)) {
      add_key(keys, *value, Key::from_secret(std::move(*secret)));
    }
  }
  const auto value = table.value("public_keys");
  if (!value) return keys;
  for (const std::string& text : value->one_or_many_strings()) {
    std::string key = text;
    if (key.find("-----BEGIN") == key.npos && !key.starts_with('{')) {
      auto read = read_text_file(std::filesystem::path(context.directory) / text, kFetchBytesMax);
      if (!read) value->error(read.error().to_string());
      if (!read) continue;
      key = std::move(*read);
    }
    const auto json = parse_json_object(key);
    if (!json) {
      add_key(keys, *value, Key::from_pem(key));
    } else if (!json->contains("keys")) {
      add_key(keys, *value, Key::from_jwk(*json));
    } else if (auto set = parse_key_set(key); set) {
      std::ranges::move(*set, std::back_inserter(keys));
    } else {
      value->error(set.error().message);
    }
  }
  return keys;
}

// Written down or fetched, one of the two.
std::unique_ptr<KeySource> read_source(TableReader& table, const FeatureContext& context,
                                       const std::vector<Algorithm>& algorithms) {
  const auto url = table.value("jwks_url");
  KeySource::Remote remote;
  remote.private_addresses = table.boolean("private_addresses").value_or(false);
  if (const auto value = table.value("refresh")) {
    remote.lifetime = value->duration().value_or(remote.lifetime);
  }
  if (const auto value = table.value("refresh_pause")) {
    remote.pause = value->duration().value_or(remote.pause);
  }
  const bool written = table.has("secret") || table.has("public_keys");
  std::vector<Key> keys = read_keys(table, context);
  if (url.has_value() == written) {
    table.error("'jwt' needs either 'jwks_url', or 'secret' or 'public_keys'");
    return nullptr;
  }
  if (url) {
    if (auto parsed = read_trusted_url(*url, url->string().value_or(""))) {
      remote.url = std::move(*parsed);
    }
    return std::make_unique<KeySource>(std::move(remote));
  }
  for (const Algorithm algorithm : algorithms) {
    const bool served =
        std::ranges::any_of(keys, [&](const Key& key) { return key.serves(algorithm); });
    if (!served && !keys.empty()) {
      table.error(fmt::format("no key here is one for {}", to_string(algorithm)));
    }
  }
  return std::make_unique<KeySource>(std::move(keys));
}

}  // namespace

std::unique_ptr<Feature> read_jwt(const Value& value, const FeatureContext& context) {
  auto table = value.table("the table 'jwt'");
  if (!table) return nullptr;
  JwtOptions options{.realm = table->string_or("realm", context.app)};
  options.rules = read_rules(*table);
  options.cookie = table->string_or("cookie", "");
  options.parameter = table->string_or("query", "");
  options.required = table->boolean("required").value_or(true);
  if (auto fields = table->table("fields")) {
    for (const auto& entry : fields->entries()) {
      options.fields.emplace_back(TrustedField::read_name(entry.value, entry.key),
                                  entry.value.string().value_or(""));
    }
  }
  if (!http::valid_field_value(options.realm)) table->error("'realm' cannot stand in a field");
  auto source = read_source(*table, context, options.rules.algorithms);
  table->finish();
  if (!source) return nullptr;
  return std::make_unique<Jwt>(std::move(options), std::move(source));
}

}  // namespace cusp::edge
