#include "edge/features/challenger.h"

#include <algorithm>

#include <fmt/format.h>

#include "edge/exchange.h"
#include "edge/limits/client_key.h"
#include "edge/limits/hash.h"
#include "edge/negotiation.h"

namespace cusp::edge {

namespace {

constexpr std::string_view kClearanceCookie = "cusp-clearance";
constexpr int kCookiesMax = 4;  // of one name that are looked at

std::string random_hex() {
  const HashKey bits = random_hash_key();
  return fmt::format("{:016x}{:016x}", bits[0], bits[1]);
}

// Whether `accept` likes one of the cookies of this name.
template <class Accept>
bool any_cookie(const http::Fields& fields, std::string_view name, Accept accept) {
  int looked_at = 0;
  for (const auto [field, value] : fields) {
    if (field != "cookie") continue;
    for (std::string_view rest = value; !rest.empty();) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (!pair.starts_with(name) || pair.substr(name.size(), 1) != "=") continue;
      if (++looked_at > kCookiesMax) return false;
      if (accept(pair.substr(name.size() + 1))) return true;
    }
  }
  return false;
}

// Of this application alone: a clearance for one is none for another.
std::string make_key(const FeatureContext& context) {
  if (context.secret.empty()) return random_hex();
  return fmt::format("challenge of {}\n{}", context.app, context.secret);
}

}  // namespace

Challenger::Challenger(const FeatureContext& context, unsigned difficulty, std::chrono::seconds ttl)
    : proofs_(make_key(context), difficulty, ttl) {}

Outcome Challenger::act(Exchange& exchange) const {
  const http::Request& request = exchange.request;
  const std::string client = client_key(exchange.client.address);
  const bool cleared = any_cookie(request.fields, kClearanceCookie, [&](std::string_view text) {
    return proofs_.is_clearance(text, client);
  });
  const bool solved =
      !cleared && any_cookie(request.fields, kProofCookie,
                             [&](std::string_view text) { return proofs_.solves(text, client); });
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (cleared || (solved && !reads)) {
    exchange.known_good = true;
    exchange.explain([] { return "the client has solved a challenge"; });
    return Continue{};
  }
  if (solved) return welcome(exchange, client);
  exchange.explain([] { return "the client has not solved a challenge"; });
  return ask(request, client);
}

// Back to where it was, with a cookie that spares it the next challenge.
http::Response Challenger::welcome(const Exchange& exchange, std::string_view client) const {
  std::string target = exchange.request.target;
  if (target.starts_with("//")) target.insert(0, "/.");  // or it would name another host
  const char* const secure = exchange.request.scheme == "https" ? "; Secure" : "";
  http::Response response{.status = 302};
  response.fields.add("location", target);
  response.fields.add(
      "set-cookie",
      fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", kClearanceCookie,
                  proofs_.clearance(client), proofs_.clearance_time().count(), secure));
  response.fields.add("set-cookie", fmt::format("{}=; Path=/; Max-Age=0", kProofCookie));
  response.fields.add("cache-control", "no-store");
  return response;
}

http::Response Challenger::ask(const http::Request& request, std::string_view client) const {
  const auto accept = request.fields.get_all("accept");
  const bool browser = request.method == "GET" && accept && accepts_html(*accept);
  http::Response response =
      http::text_response(403, "This needs a browser that solves a challenge first.\n");
  response.fields.add("cache-control", "no-store");
  if (!browser) return response;
  const std::string nonce = random_hex();
  response.fields.set("content-type", "text/html; charset=utf-8");
  response.fields.add("content-security-policy",
                      fmt::format("default-src 'none'; script-src 'nonce-{0}'; style-src "
                                  "'nonce-{0}'; base-uri 'none'; frame-ancestors 'none'",
                                  nonce));
  response.body =
      http::make_body(challenge_page(proofs_.challenge(client), proofs_.difficulty(), nonce));
  return response;
}

}  // namespace cusp::edge
