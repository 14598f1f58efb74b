#include <gtest/gtest.h>

#include "base/base64.h"
#include "edge/auth/oidc_provider.h"
#include "edge/auth/oidc_session.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using ::testing::Test;

const std::string kOldSecret = "an old secret that seals cookies, long enough";
const std::string kNewSecret = "a new secret that seals cookies, long enough";

// Nobody listens at the issuer's.
constexpr std::string_view kConfig = R"(
[edge.oidc]
issuer = "http://127.0.0.1:1"
client_id = "shop"
cookie_keys = [
  "a new secret that seals cookies, long enough",
  "an old secret that seals cookies, long enough",
]
fields = { X-User = "sub", x-email = "email" }
)";

sys_seconds now() { return std::chrono::floor<seconds>(std::chrono::system_clock::now()); }

OidcSession session_of_alice() {
  return {.ends = now() + seconds(60), .fields = {{"x-user", "alice"}, {"x-other", "smuggled"}}};
}

std::string cookie(const OidcSession& session, const std::string& secret = kNewSecret,
                   std::string_view purpose = "shop") {
  return "cusp_session=" + seal(session, Sealer({secret}), purpose);
}

TEST(Oidc, ASealedSessionLetsPassAndTellsTheOriginWhoItIs) {
  http::Fields seen;
  TestEdge edge(kConfig, [&](http::Request& request) {
    seen = request.fields;
    return http::text_response(200, "");
  });
  for (const auto& secret : {kNewSecret, kOldSecret}) {
    const auto response = edge.get("/", {{"cookie", "a=b; " + cookie(session_of_alice(), secret)},
                                         {"x-user", "root"},
                                         {"x_user", "root"},
                                         {"x-email", "root@example"}});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(seen.get_all("x-user"), "alice");
    EXPECT_FALSE(seen.get("x_user"));
    EXPECT_FALSE(seen.get("x-email"));
    EXPECT_FALSE(seen.get("x-other"));  // not one that is configured
    EXPECT_EQ(seen.get_all("cookie"), "a=b");
  }
}

TEST(Oidc, CookiesThatWereNotSealedHereAreNoSession) {
  TestEdge edge(kConfig);
  const Sealer sealer({kNewSecret});
  const std::string good = cookie(session_of_alice());
  ASSERT_EQ(edge.get("/", {{"cookie", good}}).status, 200);
  OidcSession over = session_of_alice();
  over.ends = now() - seconds(1);
  const OidcLogin login{.ends = now() + seconds(60), .state = "s", .target = "/"};
  std::vector<std::string> hostile = {
      "cusp_session=",
      "cusp_session=x",
      "cusp_session={\"f\":{\"x-user\":\"root\"}}",
      good + "A",
      good.substr(0, good.size() - 2),
      "x" + good,
      cookie(over),
      cookie(session_of_alice(), "a secret of somebody else, long enough too"),
      cookie(session_of_alice(), kNewSecret, "another app"),
      "cusp_session=" + seal(login, sealer, "shop"),
      "cusp_session=" + sealer.seal("{}", "session:shop"),
      "cusp_session=" + sealer.seal("[]", "session:shop"),
      "cusp_session=" + std::string(4000, 'A'),
  };
  for (size_t i = 20; i < good.size(); i += 7) {  // each byte counts
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed != good) hostile.push_back(changed);
  }
  for (const auto& value : hostile) {
    const auto response = edge.get("/", {{"cookie", value}});
    EXPECT_EQ(response.status, 401) << value.substr(0, 80);
    EXPECT_EQ(response.fields.get("cache-control"), "no-store");
  }
}

TEST(Oidc, WithoutTheIssuerNobodyLogsInAndWhoIsLoggedInStays) {
  TestEdge edge(kConfig);
  const auto response = edge.get("/", {{"accept", "text/html"}});
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.fields.get("retry-after"));
  OidcSession due = session_of_alice();
  due.refresh_token = "r";
  due.renew = now() - seconds(1);
  EXPECT_EQ(edge.get("/", {{"accept", "text/html"}, {"cookie", cookie(due)}}).status, 200);
}

TEST(Oidc, OnlyTheBrowserThatBeganALoginMayEndIt) {
  TestEdge edge(kConfig);
  const Sealer sealer({kNewSecret});
  const auto login_cookie = [&](OidcLogin login) {
    return "cusp_session_login=" + seal(login, sealer, "shop");
  };
  const OidcLogin login{.ends = now() + seconds(60), .state = "abc", .target = "/"};
  OidcLogin over = login;
  over.ends = now() - seconds(1);
  const std::pair<std::string, std::string> kHostile[] = {
      {"/.oidc/callback", ""},
      {"/.oidc/callback?code=x&state=abc", ""},
      {"/.oidc/callback?code=x&state=abd", login_cookie(login)},
      {"/.oidc/callback?code=x&state=", login_cookie(login)},
      {"/.oidc/callback?code=x", login_cookie(login)},
      {"/.oidc/callback?code=x&state=abc&state=abc", login_cookie(login)},
      {"/.oidc/callback?code=x&state=abc", login_cookie(over)},
      {"/.oidc/callback?code=x&state=abc", "cusp_session_login=abc"},
  };
  for (const auto& [target, value] : kHostile) {
    EXPECT_EQ(edge.get(target, {{"cookie", value}}).status, 400) << target;
  }
  const std::pair<const char*, int> kCases[] = {
      {"/.oidc/callback?state=abc&error=access_denied", 403},
      {"/.oidc/callback?state=abc&code=", 403},
      {"/.oidc/callback?state=abc&code=x&iss=https%3A%2F%2Fevil.example", 403},
      {"/.oidc/callback?state=abc&code=x", 503},  // the issuer is down
  };
  for (const auto& [target, status] : kCases) {
    auto response = edge.get(target, {{"cookie", login_cookie(login)}});
    EXPECT_EQ(response.status, status) << target;
    EXPECT_NE(response.fields.get_all("set-cookie")->find("Max-Age=0"), std::string::npos);
    EXPECT_EQ(edge.text(response).find("evil"), std::string::npos);
  }
}

TEST(Oidc, NobodyIsLoggedOutByAPageElsewhere) {
  TestEdge edge(kConfig);
  EXPECT_EQ(edge.get("/.oidc/logout", {{"sec-fetch-site", "cross-site"}}).status, 403);
  const auto response = edge.get("/.oidc/logout");
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.fields.get("location"), "/");
  EXPECT_EQ(response.fields.get("set-cookie"),
            "cusp_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
}

TEST(Sealer, OpensWhatItSealedForTheSamePurposeAlone) {
  const Sealer sealer({kNewSecret});
  const std::string text("a text\0with a NUL", 17);
  const std::string sealed = sealer.seal(text, "a");
  EXPECT_EQ(sealer.open(sealed, "a"), text);
  EXPECT_FALSE(sealer.open(sealed, "b"));
  EXPECT_FALSE(Sealer({kOldSecret}).open(sealed, "a"));
  EXPECT_EQ(Sealer({kOldSecret, kNewSecret}).open(sealed, "a"), text);
  EXPECT_NE(sealer.seal(text, "a"), sealed);
  EXPECT_EQ(sealer.open(sealer.seal("", "a"), "a"), "");
  for (const std::string_view wrong : {"", "A", "====", "AAAA", "äöü"}) {
    EXPECT_FALSE(sealer.open(wrong, "a"));
  }
  for (size_t size = 0; size < 40; ++size) {
    EXPECT_FALSE(sealer.open(base64url_encode(std::string(size, '\0')), "a"));
  }
}

TEST(Oidc, WhatIsUnsafeInTheManifestIsRefused) {
  const std::string good = "issuer = \"https://id.example\", client_id = \"a\"";
  const std::string keys = ", cookie_keys = [\"" + kNewSecret + "\"]";
  const std::pair<std::string, const char*> kWrong[] = {
      {good, "needs 'cookie_keys'"},
      {good + ", cookie_keys = []", "at least one secret"},
      {good + ", cookie_keys = [\"short\"]", "at least 32 bytes"},
      {"client_id = \"a\"" + keys, "issuer"},
      {"issuer = \"http://id.example\", client_id = \"a\"" + keys, "https://"},
      {good + keys + ", algorithms = [\"HS256\"]", "no algorithm of an issuer"},
      {good + keys + ", algorithms = [\"none\"]", "no algorithm of an issuer"},
      {good + keys + ", callback = \"//evil.example\"", "not a path"},
      {good + keys + ", after_logout = \"https://evil.example\"", "not a path"},
      {good + keys + ", public_url = \"shop\"", "not a URL"},
      {good + keys + ", cookie = \"a b\"", "name of a cookie"},
      {good + keys + ", colour = 1", "unknown key"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of("oidc = { " + text + " }");
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_EQ(problem.find(kNewSecret), problem.npos);
  }
}

}  // namespace
}  // namespace cusp::edge
