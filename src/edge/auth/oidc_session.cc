#include "edge/auth/oidc_session.h"

#include <nlohmann/json.hpp>

#include "edge/auth/json.h"

namespace cusp::edge {

namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::sys_seconds;

std::string purpose_of(std::string_view kind, std::string_view purpose) {
  return std::string(kind) + ":" + std::string(purpose);
}

int64_t number(sys_seconds time) { return time.time_since_epoch().count(); }

// What is in there was written here: the types are right, or the text is of another version.
std::optional<json> open(std::string_view cookie, const Sealer& sealer, const std::string& purpose,
                         sys_seconds now) {
  const auto text = sealer.open(cookie, purpose);
  auto opened = text ? parse_json_object(*text) : std::nullopt;
  if (!opened || opened->value("e", int64_t(0)) <= number(now)) return std::nullopt;
  return opened;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string seal(const OidcSession& session, const Sealer& sealer, std::string_view purpose) {
  const json value = {{"e", number(session.ends)},
                      {"t", number(session.renew)},
                      {"r", session.refresh_token},
                      {"f", session.fields}};
  return sealer.seal(dump(value), purpose_of("session", purpose));
}

std::string seal(const OidcLogin& login, const Sealer& sealer, std::string_view purpose) {
  const json value = {{"e", number(login.ends)},
                      {"s", login.state},
                      {"n", login.nonce},
                      {"v", login.verifier},
                      {"u", login.target}};
  return sealer.seal(dump(value), purpose_of("login", purpose));
}

std::optional<OidcSession> open_session(std::string_view cookie, const Sealer& sealer,
                                        std::string_view purpose, sys_seconds now) {
  const auto value = open(cookie, sealer, purpose_of("session", purpose), now);
  if (!value) return std::nullopt;
  return OidcSession{.ends = sys_seconds(seconds(value->value("e", int64_t(0)))),
                     .renew = sys_seconds(seconds(value->value("t", int64_t(0)))),
                     .refresh_token = value->value("r", ""),
                     .fields = value->value("f", std::map<std::string, std::string>())};
}

std::optional<OidcLogin> open_login(std::string_view cookie, const Sealer& sealer,
                                    std::string_view purpose, sys_seconds now) {
  const auto value = open(cookie, sealer, purpose_of("login", purpose), now);
  if (!value) return std::nullopt;
  return OidcLogin{.ends = sys_seconds(seconds(value->value("e", int64_t(0)))),
                   .state = value->value("s", ""),
                   .nonce = value->value("n", ""),
                   .verifier = value->value("v", ""),
                   .target = value->value("u", "/")};
}

}  // namespace cusp::edge
