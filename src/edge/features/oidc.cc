#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/log.h"
#include "edge/auth/credentials.h"
#include "edge/auth/oidc_provider.h"
#include "edge/auth/oidc_session.h"
#include "edge/auth/secret.h"
#include "edge/features/features.h"
#include "io/asio.h"

// oidc = { issuer = "https://id.example.com", client_id = "shop", client_secret = { env = "…" },
//          cookie_keys = [{ env = "COOKIE_KEY" }], fields = { x-user = "sub" } }
namespace cusp::edge {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds kLoginLifetime{600};
// Browsers keep 4096 bytes of name, value and attributes (RFC 6265 section 6.1).
constexpr size_t kCookieBytesMax = 3800;

struct OidcFeatureOptions {
  std::string app;
  std::vector<std::string> scopes{"openid"};
  std::string callback = "/.oidc/callback";
  std::string logout = "/.oidc/logout";
  std::string after_logout = "/";
  std::string public_url;  // "https://shop.example"; empty: as the request has it
  std::string cookie = "cusp_session";
  seconds lifetime{8 * 3600};
  std::vector<std::pair<std::string, std::string>> fields;  // → path of a claim
};

sys_seconds now() { return std::chrono::floor<seconds>(std::chrono::system_clock::now()); }

http::Response plain(uint16_t status, std::string text) {
  http::Response response = http::text_response(status, std::move(text));
  response.fields.set("cache-control", "no-store");
  return response;
}

http::Response redirect(std::string_view location) {
  http::Response response{.status = 302};
  response.fields.add("location", location);
  response.fields.add("cache-control", "no-store");
  return response;
}

http::Response unavailable() {
  http::Response response = plain(503, "The login is out of order.\n");
  response.fields.set("retry-after", "1");
  return response;
}

// Whether a person looks at the answer: only then a redirect to a page for logging in is of use.
bool is_navigation(const http::Request& request) {
  if (request.method != "GET") return false;
  if (const auto mode = request.fields.get("sec-fetch-mode")) return mode == "navigate";
  const auto accept = request.fields.get_all("accept");
  return accept && accept->find("text/html") != accept->npos;
}

// A target as a place on this host: "//evil.example" would name another one.
std::string local_target(std::string_view target) {
  const size_t begin = std::min(target.find_first_not_of("/\\"), target.size());
  return "/" + std::string(target.substr(begin));
}

class Oidc final : public Feature {
 public:
  Oidc(OidcFeatureOptions options, OidcOptions provider, const std::vector<std::string>& secrets)
      : options_(std::move(options)), provider_(std::move(provider)), sealer_(secrets) {
    for (const auto& [name, _] : options_.fields) trusted_.emplace_back(name);
  }

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    for (const auto& field : trusted_) field.remove_forged(exchange.request.fields);
    if (exchange.path() == options_.callback || exchange.path() == options_.logout) return Wait{};
    const auto session = find_session(exchange.request);
    const bool navigates = is_navigation(exchange.request);
    if (session && !(navigates && is_due(*session))) return welcome(exchange, *session);
    if (navigates) return Wait{};
    exchange.explain([] { return "nobody is logged in"; });
    return unauthorized("Cookie realm=" + quoted_string(options_.app));
  }

  io::Task<Outcome> act_later(Exchange& exchange) const override {
    if (exchange.path() == options_.callback) co_return co_await finish_login(exchange);
    if (exchange.path() == options_.logout) co_return co_await log_out(exchange);
    if (auto session = find_session(exchange.request)) {
      co_return co_await renew(exchange, std::move(*session));
    }
    co_return co_await begin_login(exchange);
  }

  void deliver(Exchange& exchange, http::Response& response) const override {
    const std::string* cookie = exchange.remembered(*this);
    if (cookie != nullptr) response.fields.add("set-cookie", *cookie);
  }

 private:
  std::string login_cookie() const { return options_.cookie + "_login"; }

  std::optional<OidcSession> find_session(const http::Request& request) const {
    const auto cookie = find_cookie(request.fields, options_.cookie);
    return cookie ? open_session(*cookie, sealer_, options_.app, now()) : std::nullopt;
  }

  static bool is_due(const OidcSession& session) {
    return !session.refresh_token.empty() && session.renew != sys_seconds() &&
           now() >= session.renew;
  }

  Outcome welcome(Exchange& exchange, const OidcSession& session) const {
    http::Fields& fields = exchange.request.fields;
    remove_cookie(fields, options_.cookie);  // no origin needs it, and what it has it can lose
    for (const TrustedField& field : trusted_) {
      const auto found = session.fields.find(field.name());
      if (found != session.fields.end()) field.set(fields, found->second);
    }
    exchange.known_good = true;
    exchange.explain([] { return "the session is good"; });
    return Continue{};
  }

  io::Task<Outcome> begin_login(Exchange& exchange) const {
    const auto metadata = co_await provider_.discover(exchange.shard);
    if (!metadata) co_return unavailable();
    const OidcLogin login{.ends = now() + kLoginLifetime,
                          .state = base64url_encode(random_bytes(16)),
                          .nonce = base64url_encode(random_bytes(16)),
                          .verifier = base64url_encode(random_bytes(32)),
                          .target = local_target(exchange.request.target)};
    const std::string& endpoint = metadata->authorization_endpoint;
    const char separator = endpoint.find('?') == endpoint.npos ? '?' : '&';
    http::Response response =
        redirect(endpoint + separator +
                 form_encode({{"response_type", "code"},
                              {"client_id", provider_.options().client_id},
                              {"redirect_uri", own_url(exchange.request) + options_.callback},
                              {"scope", fmt::format("{}", fmt::join(options_.scopes, " "))},
                              {"state", login.state},
                              {"nonce", login.nonce},
                              {"code_challenge", base64url_encode(sha256(login.verifier))},
                              {"code_challenge_method", "S256"}}));
    response.fields.add("set-cookie",
                        cookie_field(exchange.request, login_cookie(),
                                     seal(login, sealer_, options_.app), kLoginLifetime));
    exchange.explain([] { return "nobody is logged in: to the issuer"; });
    co_return response;
  }

  // The user comes back from the issuer (OpenID Connect Core 1.0 section 3.1.2.5).
  io::Task<Outcome> finish_login(Exchange& exchange) const {
    const std::string target = exchange.request.target;
    const auto cookie = find_cookie(exchange.request.fields, login_cookie());
    const auto login = cookie ? open_login(*cookie, sealer_, options_.app, now()) : std::nullopt;
    const auto state = find_parameter(target, "state");
    // Without it, an attacker could log others in as somebody else (RFC 6749 section 10.12).
    if (!login || !state || !equal_in_constant_time(*state, login->state)) {
      exchange.explain([] { return "no login of this browser is under way"; });
      co_return plain(400, "This login is over, or began in another browser. Begin again.\n");
    }
    const auto issuer = find_parameter(target, "iss");  // RFC 9207
    const auto code = find_parameter(target, "code");
    if ((issuer && *issuer != provider_.options().issuer) || !code || code->empty()) {
      exchange.explain([] { return "the issuer gave no code"; });
      co_return forget_login(exchange, plain(403, "The login did not succeed.\n"));
    }
    auto tokens = co_await provider_.redeem(exchange.shard, *code,
                                            own_url(exchange.request) + options_.callback,
                                            login->verifier, login->nonce);
    if (!tokens) {
      log::warn("login at {}: {}", provider_.options().issuer, tokens.error().reason);
      co_return forget_login(exchange, tokens.error().refused
                                           ? plain(403, "The login did not succeed.\n")
                                           : unavailable());
    }
    OidcSession session{.ends = now() + options_.lifetime};
    update(session, *tokens);
    http::Response response = redirect(login->target);
    response.fields.add("set-cookie", session_cookie(exchange.request, session));
    exchange.explain([] { return "the login has succeeded"; });
    co_return forget_login(exchange, std::move(response));
  }

  // The session goes on as long as the issuer says so; while it cannot be asked, too.
  io::Task<Outcome> renew(Exchange& exchange, OidcSession session) const {
    auto tokens = co_await provider_.refresh(exchange.shard, session.refresh_token);
    if (!tokens && tokens.error().refused) co_return co_await begin_login(exchange);
    if (!tokens) {
      log::warn("session at {}: {}", provider_.options().issuer, tokens.error().reason);
      co_return welcome(exchange, session);
    }
    update(session, *tokens);
    exchange.remember(*this, session_cookie(exchange.request, session));
    co_return welcome(exchange, session);
  }

  io::Task<Outcome> log_out(Exchange& exchange) const {
    // A page elsewhere must not be able to log people out.
    if (exchange.request.fields.get("sec-fetch-site") == "cross-site") co_return forbidden();
    const auto metadata = co_await provider_.discover(exchange.shard);
    std::string location = options_.after_logout;
    if (metadata && !metadata->end_session_endpoint.empty()) {
      const std::string& endpoint = metadata->end_session_endpoint;
      const char separator = endpoint.find('?') == endpoint.npos ? '?' : '&';
      location = endpoint + separator +
                 form_encode({{"client_id", provider_.options().client_id},
                              {"post_logout_redirect_uri", own_url(exchange.request) + location}});
    }
    http::Response response = redirect(location);
    response.fields.add("set-cookie",
                        cookie_field(exchange.request, options_.cookie, "", seconds(0)));
    exchange.explain([] { return "logged out"; });
    co_return response;
  }

  void update(OidcSession& session, const OidcTokens& tokens) const {
    if (!tokens.refresh_token.empty()) session.refresh_token = tokens.refresh_token;
    session.renew = tokens.lifetime > seconds(0) ? now() + tokens.lifetime : sys_seconds();
    const auto claims = tokens.claims();
    if (!claims) return;
    session.fields.clear();
    for (const auto& [name, path] : options_.fields) {
      if (const auto* claim = find_claim(*claims, path)) session.fields[name] = claim_text(*claim);
    }
  }

  // Where this application is, as its users see it.
  std::string own_url(const http::Request& request) const {
    if (!options_.public_url.empty()) return options_.public_url;
    return request.scheme + "://" + request.authority;
  }

  std::string cookie_field(const http::Request& request, std::string_view name,
                           std::string_view value, seconds lifetime) const {
    const bool secure = own_url(request).starts_with("https:");
    return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", name, value,
                       lifetime.count(), secure ? "; Secure" : "");
  }

  std::string session_cookie(const http::Request& request, OidcSession session) const {
    std::string sealed = seal(session, sealer_, options_.app);
    if (sealed.size() > kCookieBytesMax) {
      // Better a session that ends sooner than none.
      session.refresh_token.clear();
      sealed = seal(session, sealer_, options_.app);
    }
    if (sealed.size() > kCookieBytesMax) {
      log::warn("oidc of '{}': the claims in 'fields' are too long for a cookie", options_.app);
    }
    return cookie_field(request, options_.cookie, sealed, session.ends - now());
  }

  Outcome forget_login(Exchange& exchange, http::Response response) const {
    response.fields.add("set-cookie",
                        cookie_field(exchange.request, login_cookie(), "", seconds(0)));
    return response;
  }

  const OidcFeatureOptions options_;
  mutable OidcProvider provider_;  // thread-safe
  const Sealer sealer_;
  std::vector<TrustedField> trusted_;
};

std::vector<std::string> read_cookie_keys(TableReader& table, const std::string& directory) {
  constexpr size_t kSecretBytesMin = 32;
  std::vector<std::string> secrets;
  const auto value = table.value("cookie_keys");
  if (!value) {
    table.error("'oidc' needs 'cookie_keys', at least one secret that seals cookies");
    return secrets;
  }
  for (const Value& element : value->elements()) {
    auto secret = read_secret(element, directory);
    if (!secret) continue;
    if (secret->size() < kSecretBytesMin) {
      element.error(fmt::format("a secret for cookies has at least {} bytes", kSecretBytesMin));
    }
    secrets.push_back(std::move(*secret));
  }
  if (secrets.empty()) value->error("'cookie_keys' needs at least one secret");
  return secrets;
}

OidcOptions read_provider(TableReader& table, const std::string& directory) {
  OidcOptions options{.client_id = table.required_string("client_id")};
  options.issuer = table.required_string("issuer");
  if (const auto value = table.value("issuer"); value && !options.issuer.empty()) {
    read_trusted_url(*value, options.issuer);
  }
  if (const auto value = table.value("client_secret")) {
    options.client_secret = read_secret(*value, directory).value_or("");
  }
  if (const auto value = table.value("algorithms")) {
    options.algorithms.clear();
    for (const std::string& name : value->one_or_many_strings()) {
      const auto algorithm = algorithm_of(name);
      if (algorithm && !name.starts_with("HS")) {
        options.algorithms.push_back(*algorithm);
      } else {
        value->error(fmt::format("'{}' is no algorithm of an issuer with published keys", name));
      }
    }
  }
  options.private_addresses = table.boolean("private_addresses").value_or(false);
  return options;
}

std::string read_path(TableReader& table, std::string_view key, std::string fallback) {
  const auto value = table.value(key);
  if (!value) return fallback;
  std::string path = value->string().value_or("");
  if (path != local_target(path) || !http::valid_field_value(path)) {
    value->error(fmt::format("'{}' is not a path such as \"/.oidc/{}\"", path, key));
  }
  return path;
}

std::string read_public_url(TableReader& table) {
  const auto value = table.value("public_url");
  if (!value) return "";
  std::string text = value->string().value_or("");
  if (text.ends_with('/')) text.pop_back();
  const auto url = parse_url(text);
  if (!url || url->target != "/") {
    value->error(fmt::format("'{}' is not a URL such as \"https://shop.example\"", text));
  }
  return text;
}

void read_fields(TableReader& table, OidcFeatureOptions& options) {
  auto fields = table.table("fields");
  if (!fields) return;
  for (const auto& entry : fields->entries()) {
    options.fields.emplace_back(TrustedField::read_name(entry.value, entry.key),
                                entry.value.string().value_or(""));
  }
}

}  // namespace

std::unique_ptr<Feature> read_oidc(const Value& value, const FeatureContext& context) {
  auto table = value.table("the table 'oidc'");
  if (!table) return nullptr;
  OidcFeatureOptions options{.app = context.app};
  OidcOptions provider = read_provider(*table, context.directory);
  const auto secrets = read_cookie_keys(*table, context.directory);
  if (table->has("scopes")) options.scopes = table->strings("scopes");
  if (std::ranges::find(options.scopes, "openid") == options.scopes.end()) {
    options.scopes.insert(options.scopes.begin(), "openid");
  }
  options.callback = read_path(*table, "callback", options.callback);
  options.logout = read_path(*table, "logout", options.logout);
  options.after_logout = read_path(*table, "after_logout", options.after_logout);
  options.public_url = read_public_url(*table);
  options.cookie = table->string_or("cookie", options.cookie);
  if (!http::valid_field_name(options.cookie)) table->error("'cookie' is not the name of a cookie");
  if (const auto lifetime = table->value("session")) {
    const auto duration = lifetime->duration().value_or(options.lifetime);
    options.lifetime = std::chrono::duration_cast<seconds>(duration);
  }
  read_fields(*table, options);
  table->finish();
  if (secrets.empty()) return nullptr;
  return std::make_unique<Oidc>(std::move(options), std::move(provider), secrets);
}

}  // namespace cusp::edge
