#include "edge/auth/jwt.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "edge/auth/json.h"
#include "edge/cache/text.h"

namespace cusp::edge {

namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using Kind = TokenProblem::Kind;

std::unexpected<TokenProblem> invalid(std::string reason) {
  return std::unexpected(TokenProblem{Kind::kInvalid, std::move(reason)});
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// A time (RFC 7519 section 2, NumericDate). Nothing when the claim is not there; one that is no
// number, or beyond what a clock can show, is a problem.
std::expected<std::optional<sys_seconds>, TokenProblem> time_claim(const json& claims,
                                                                   const char* name) {
  constexpr double kBeyond = 1e12;  // some 30,000 years
  const auto found = claims.find(name);
  if (found == claims.end()) return std::nullopt;
  const double value = found->is_number() ? found->get<double>() : NAN;
  if (!(value > -kBeyond && value < kBeyond)) {
    return invalid(fmt::format("its claim '{}' is not a time", name));
  }
  return sys_seconds(seconds(static_cast<int64_t>(std::floor(value))));
}

std::expected<void, TokenProblem> check_times(const json& claims, const TokenRules& rules,
                                              sys_seconds now) {
  const auto expires = time_claim(claims, "exp");
  const auto begins = time_claim(claims, "nbf");
  const auto issued = time_claim(claims, "iat");
  for (const auto* time : {&expires, &begins, &issued}) {
    if (!*time) return std::unexpected(time->error());
  }
  if (!*expires && rules.needs_expiry) return invalid("it never expires");
  if (*expires && now >= **expires + rules.leeway) return invalid("it has expired");
  if (*begins && now < **begins - rules.leeway) return invalid("it is not valid yet");
  if (*issued && now < **issued - rules.leeway) return invalid("it was issued in the future");
  if (rules.age_max > seconds(0) && (!*issued || now > **issued + rules.age_max + rules.leeway)) {
    return invalid("it is too old");
  }
  return {};
}

// Whether a claim is one of the texts, or a list with one of them.
bool holds_any(const json* claim, const std::vector<std::string>& texts) {
  if (claim == nullptr) return false;
  const auto fits = [&](const json& one) {
    const std::string text = one.is_string()                       ? one.get<std::string>()
                             : one.is_boolean() || one.is_number() ? one.dump()
                                                                   : "";
    return !text.empty() && std::ranges::find(texts, text) != texts.end();
  };
  if (claim->is_array()) return std::ranges::any_of(*claim, fits);
  return fits(*claim);
}

// "scope" is a text of names between spaces (RFC 8693 section 4.2); some issuers write "scp", as a
// list or as such a text.
std::vector<std::string> scopes_of(const json& claims) {
  std::vector<std::string> scopes;
  for (const char* name : {"scope", "scp"}) {
    const auto found = claims.find(name);
    if (found == claims.end()) continue;
    if (found->is_array()) {
      for (const json& one : *found) {
        if (one.is_string()) scopes.push_back(one.get<std::string>());
      }
    } else if (found->is_string()) {
      std::string_view text = found->get_ref<const std::string&>();
      while (!text.empty()) scopes.emplace_back(cache::take_member(text, ' '));
    }
  }
  return scopes;
}

std::expected<void, TokenProblem> check_grants(const json& claims, const TokenRules& rules) {
  for (const auto& [name, values] : rules.claims) {
    if (!holds_any(find_claim(claims, name), values)) {
      return std::unexpected(
          TokenProblem{Kind::kInsufficient, fmt::format("its claim '{}' does not suffice", name)});
    }
  }
  const auto granted = scopes_of(claims);
  for (const std::string& scope : rules.scopes) {
    if (std::ranges::find(granted, scope) == granted.end()) {
      return std::unexpected(
          TokenProblem{Kind::kInsufficient, fmt::format("it lacks the scope '{}'", scope)});
    }
  }
  return {};
}

// "at+jwt" and "application/at+jwt" are the same (RFC 7515 section 4.1.9).
bool same_type(std::string_view a, std::string_view b) {
  constexpr std::string_view kPrefix = "application/";
  if (cache::equal_ignoring_case(a.substr(0, kPrefix.size()), kPrefix)) {
    a.remove_prefix(kPrefix.size());
  }
  return cache::equal_ignoring_case(a, b);
}

}  // namespace

std::expected<Token, TokenProblem> parse_token(std::string_view text) {
  if (text.size() > kTokenBytesMax) return invalid("it is too long");
  const size_t first = text.find('.');
  const size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos) {
    return invalid("it is not a signed token");
  }
  const auto header_text = base64url_decode(text.substr(0, first));
  auto claims = base64url_decode(text.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(text.substr(second + 1));
  const auto header = header_text ? parse_json_object(*header_text) : std::nullopt;
  if (!header || !claims || !signature) return invalid("it is malformed");
  if (header->contains("crit")) return invalid("its header asks for what nobody here understands");
  const auto algorithm = algorithm_of(text_member(*header, "alg"));
  if (!algorithm) return invalid("its algorithm is none that is known");
  return Token{.algorithm = *algorithm,
               .key_id = text_member(*header, "kid"),
               .type = text_member(*header, "typ"),
               .signed_part = text.substr(0, second),
               .signature = std::move(*signature),
               .claims = std::move(*claims)};
}

std::expected<void, TokenProblem> verify_signature(const Token& token, std::span<const Key> keys) {
  bool tried = false;
  for (const Key& key : keys) {
    if (!key.serves(token.algorithm)) continue;
    if (!token.key_id.empty() && !key.id().empty() && key.id() != token.key_id) continue;
    tried = true;
    if (key.verify(token.algorithm, token.signed_part, token.signature)) return {};
  }
  if (tried) return invalid("its signature is not right");
  return std::unexpected(TokenProblem{Kind::kUnknownKey, "its key is not known"});
}

std::expected<json, TokenProblem> check_claims(const Token& token, const TokenRules& rules,
                                               sys_seconds now) {
  if (std::ranges::find(rules.algorithms, token.algorithm) == rules.algorithms.end()) {
    return invalid("its algorithm is not allowed");
  }
  if (!rules.type.empty() && !same_type(token.type, rules.type)) {
    return invalid("it is a token of another type");
  }
  auto claims = parse_json_object(token.claims);
  if (!claims) return invalid("it is malformed");
  if (auto times = check_times(*claims, rules, now); !times) return std::unexpected(times.error());
  if (!rules.issuers.empty()) {
    const auto issuer = claims->find("iss");
    if (issuer == claims->end() || !issuer->is_string() || !holds_any(&*issuer, rules.issuers)) {
      return invalid("it is of another issuer");
    }
  }
  if (!rules.audiences.empty() && !holds_any(find_claim(*claims, "aud"), rules.audiences)) {
    return invalid("it is for another audience");
  }
  if (auto grants = check_grants(*claims, rules); !grants) return std::unexpected(grants.error());
  return std::move(*claims);
}

const json* find_claim(const json& claims, std::string_view path) {
  const json* at = &claims;
  while (true) {
    if (!at->is_object()) return nullptr;
    if (const auto whole = at->find(path); whole != at->end()) return &*whole;
    const size_t dot = path.find('.');
    if (dot == path.npos) return nullptr;
    const auto next = at->find(path.substr(0, dot));
    if (next == at->end()) return nullptr;
    at = &*next;
    path.remove_prefix(dot + 1);
  }
}

std::string claim_text(const json& claim) {
  if (claim.is_string()) return claim.get<std::string>();
  if (!claim.is_array()) return claim.dump(-1, ' ', true, json::error_handler_t::replace);
  std::string text;
  for (const json& one : claim) {
    if (!text.empty()) text += ',';
    text += claim_text(one);
  }
  return text;
}

}  // namespace cusp::edge
