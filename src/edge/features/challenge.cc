#include <algorithm>

#include <fmt/format.h>

#include "edge/expression/expression.h"
#include "edge/features/features.h"
#include "edge/limits/client_key.h"
#include "edge/limits/hash.h"
#include "edge/limits/proof.h"

// challenge = true, or
// challenge = { when = 'not path starts_with "/api/"', difficulty = 18, ttl = "1h" }
namespace cusp::edge {

namespace {

constexpr std::string_view kClearanceCookie = "cusp-clearance";
constexpr unsigned kDifficulty = 16;
constexpr auto kTtl = std::chrono::hours(1);
constexpr auto kTtlMin = std::chrono::minutes(1);
constexpr auto kTtlMax = std::chrono::hours(24 * 30);
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

class Challenge final : public Feature {
 public:
  Challenge(Proofs proofs, std::optional<Expression> when)
      : proofs_(std::move(proofs)), when_(std::move(when)) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    if (when_ && !when_->test(exchange)) return Continue{};
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

 private:
  // Back to where it was, with a cookie that spares it the next challenge.
  http::Response welcome(const Exchange& exchange, std::string_view client) const {
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

  http::Response ask(const http::Request& request, std::string_view client) const {
    const auto accept = request.fields.get_all("accept");
    const bool browser = request.method == "GET" && accept && accept->contains("text/html");
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

  const Proofs proofs_;
  const std::optional<Expression> when_;
};

// Of this application alone: a clearance for one is none for another.
std::string make_key(const FeatureContext& context) {
  if (context.secret.empty()) return random_hex();
  return fmt::format("challenge of {}\n{}", context.app, context.secret);
}

}  // namespace

std::unique_ptr<Feature> read_challenge(const Value& value, const FeatureContext& context) {
  unsigned difficulty = kDifficulty;
  std::chrono::milliseconds ttl = kTtl;
  std::optional<Expression> when;
  if (!value.is_boolean()) {
    auto table = value.table("the table 'challenge'");
    if (!table) return nullptr;
    difficulty = static_cast<unsigned>(
        table->integer("difficulty", 1, Proofs::kDifficultyMax).value_or(difficulty));
    if (const auto text = table->value("ttl")) {
      ttl = text->duration().value_or(ttl);
      if (ttl < kTtlMin || ttl > kTtlMax) text->error("'ttl' is between 1m and 30 days");
    }
    if (const auto condition = table->value("when")) when = read_condition(*condition);
    table->finish();
  }
  return std::make_unique<Challenge>(
      Proofs(make_key(context), difficulty, std::chrono::duration_cast<std::chrono::seconds>(ttl)),
      std::move(when));
}

}  // namespace cusp::edge
