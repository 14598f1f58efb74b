#include <chrono>

#include <gtest/gtest.h>

#include "edge/auth/secret.h"
#include "edge/auth/test_signer.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

int64_t now() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

std::string claims(const std::string& more = "") {
  return fmt::format(
      R"({{"iss":"https://id.example","aud":["shop","other"],"sub":"alice","exp":{}{}}})",
      now() + 600, more);
}

// An [edge] table that takes tokens of the signer.
std::string config(const Signer& signer, const std::string& algorithms,
                   const std::string& more = "") {
  return fmt::format("[edge.jwt]\nalgorithms = {}\npublic_keys = '''{}'''\n{}\n", algorithms,
                     signer.jwk(), more);
}

std::string below_edge(const std::string& text) { return "\n" + text; }

http::Response send(TestEdge& edge, const std::string& token) {
  return edge.get("/", {{"authorization", "Bearer " + token}});
}

class JwtTest : public Test {
 protected:
  static std::string challenge(const http::Response& response) {
    return std::string(response.fields.get("www-authenticate").value_or(""));
  }
};

TEST_F(JwtTest, TokensOfEveryAlgorithmAreVerified) {
  for (const char* algorithm : {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}) {
    const Signer signer(algorithm);
    TestEdge edge(below_edge(config(signer, fmt::format("[\"{}\"]", algorithm))));
    const std::string token = signer.token(claims());
    EXPECT_EQ(send(edge, token).status, 200) << algorithm;
    // One bit of the signature, and one of the claims.
    std::string changed = token;
    char& in_signature = changed[changed.size() - 10];
    in_signature = in_signature == 'A' ? 'B' : 'A';
    EXPECT_EQ(send(edge, changed).status, 401) << algorithm;
    const std::string other = Signer(algorithm).token(claims());
    if (!std::string_view(algorithm).starts_with("HS")) {
      EXPECT_EQ(send(edge, other).status, 401) << algorithm;
    }
    const size_t dot = token.rfind('.');
    const std::string forged = token.substr(0, token.find('.') + 1) +
                               base64url_encode(claims(R"(,"admin":true)")) + token.substr(dot);
    EXPECT_EQ(send(edge, forged).status, 401) << algorithm;
  }
}

TEST_F(JwtTest, AKeyFromPemVerifiesToo) {
  const Signer signer("RS256");
  TestEdge edge(below_edge(
      fmt::format("[edge.jwt]\nalgorithms = \"RS256\"\npublic_keys = '''{}'''\n", signer.pem())));
  EXPECT_EQ(send(edge, signer.token(claims())).status, 200);
}

TEST_F(JwtTest, NoTokenIsAskedForAndABadOneIsNamed) {
  const Signer signer("ES256");
  TestEdge edge(below_edge(config(signer, "[\"ES256\"]")));
  auto response = edge.get("/");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(challenge(response), "Bearer realm=\"shop\"");
  EXPECT_EQ(response.fields.get("cache-control"), "no-store");
  EXPECT_EQ(edge.fetches(), 0u);
  response = send(edge, "x");
  EXPECT_EQ(response.status, 401);
  EXPECT_NE(challenge(response).find("error=\"invalid_token\""), std::string::npos);
}

// "header.claims." with nothing behind.
std::string unsigned_token(const std::string& header) {
  return base64url_encode(header) + "." + base64url_encode(claims()) + ".";
}

// Signed with HMAC under a text that everybody knows (CVE-2015-9235).
std::string confused(const std::string& public_key) {
  const std::string data =
      base64url_encode(R"({"alg":"HS256","kid":"k1"})") + "." + base64url_encode(claims());
  return data + "." + base64url_encode(hmac_sha256(public_key, data));
}

void expect_refused(const Signer& signer, const std::vector<std::string>& tokens) {
  TestEdge edge(below_edge(config(signer, "[\"RS256\"]")));
  ASSERT_EQ(send(edge, signer.token(claims())).status, 200);
  for (const auto& token : tokens) {
    EXPECT_EQ(send(edge, token).status, 401) << token.substr(0, 120);
  }
  EXPECT_EQ(edge.fetches(), 1u);
}

TEST_F(JwtTest, WhatIsNoTokenIsRefused) {
  const Signer rsa("RS256");
  const std::string good = rsa.token(claims());
  std::string deep = R"({"alg":"RS256","x":)";
  for (int i = 0; i < 5000; ++i) deep += '[';
  expect_refused(rsa, {
                          "",
                          ".",
                          "..",
                          "...",
                          good + ".",
                          good + "=",
                          good + "A",
                          " " + good.substr(0, good.size() - 1),
                          good.substr(0, good.rfind('.') + 1),
                          unsigned_token(R"({"alg":"RS256"})"),
                          unsigned_token("[]"),
                          unsigned_token("\xff\xfe"),
                          unsigned_token(deep),
                          rsa.token(claims("}")),
                          rsa.token("7"),
                          rsa.token(""),
                          std::string(50'000, 'a'),
                          std::string(50'000, '.'),
                      });
}

TEST_F(JwtTest, NoAlgorithmAndNoKeyIsTakenFromAToken) {
  const Signer rsa("RS256");
  const Signer other("RS256");
  expect_refused(
      rsa, {
               unsigned_token(R"({"alg":"none"})"),
               unsigned_token(R"({"alg":"None"})"),
               unsigned_token(R"({"alg":"nOnE"})"),
               unsigned_token(R"({"alg":""})"),
               unsigned_token(R"({"alg":null})"),
               unsigned_token(R"({"alg":["RS256"]})"),
               unsigned_token(R"({})"),
               Signer("HS256").token(claims()),
               confused(rsa.pem()),
               confused(rsa.jwk()),
               rsa.token(R"({"alg":"RS512","kid":"k1"})", claims()),
               rsa.token(R"({"alg":"PS256","kid":"k1"})", claims()),
               rsa.token(R"({"alg":"ES256","kid":"k1"})", claims()),
               rsa.token(R"({"alg":"RS256","kid":"other"})", claims()),
               rsa.token(R"({"alg":"RS256","kid":"../../etc/passwd"})", claims()),
               rsa.token(R"({"alg":"RS256","crit":["exp"]})", claims()),
               rsa.token(R"({"alg":"RS256","crit":["b64"],"b64":false})", claims()),
               other.token(fmt::format(R"({{"alg":"RS256","jwk":{}}})", other.jwk()), claims()),
               other.token(R"({"alg":"RS256","jku":"https://evil.example/keys"})", claims()),
           });
}

TEST_F(JwtTest, TimesThatAreOverOrNoneAreRefused) {
  const Signer rsa("RS256");
  expect_refused(rsa, {
                          rsa.token(R"({"sub":"alice"})"),
                          rsa.token(R"({"exp":"tomorrow"})"),
                          rsa.token(R"({"exp":1e999})"),
                          rsa.token(R"({"exp":-1e300})"),
                          rsa.token(R"({"exp":null})"),
                          rsa.token(fmt::format(R"({{"exp":{}}})", now() - 31)),
                          rsa.token(claims(fmt::format(R"(,"nbf":{})", now() + 60))),
                          rsa.token(claims(fmt::format(R"(,"iat":{})", now() + 60))),
                          rsa.token(claims(R"(,"pad":")" + std::string(20'000, 'a') + "\"")),
                      });
}

TEST_F(JwtTest, OfTwoTokensNoneCounts) {
  const Signer signer("HS256");
  TestEdge edge(below_edge(config(signer, "[\"HS256\"]")));
  const std::string good = signer.token(claims());
  const auto response =
      edge.get("/", {{"authorization", "Bearer " + good}, {"authorization", "Bearer x"}});
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(edge.get("/", {{"authorization", "Basic " + good}}).status, 401);
}

TEST_F(JwtTest, AnEllipticSignatureOfZerosIsRefused) {  // CVE-2022-21449
  const Signer signer("ES256");
  TestEdge edge(below_edge(config(signer, "[\"ES256\"]")));
  const std::string good = signer.token(claims());
  const std::string data = good.substr(0, good.rfind('.'));
  for (const size_t size : {0, 1, 63, 64, 65, 128}) {
    EXPECT_EQ(send(edge, data + "." + base64url_encode(std::string(size, '\0'))).status, 401);
  }
}

TEST_F(JwtTest, IssuerAudienceTypeAndAgeMustFit) {
  const Signer signer("EdDSA");
  const std::tuple<const char*, std::string, int> kCases[] = {
      {"issuer = \"https://id.example\"", claims(), 200},
      {"issuer = [\"https://a\", \"https://id.example\"]", claims(), 200},
      {"issuer = \"https://id.example/\"", claims(), 401},
      {"issuer = \"https://id.example\"", fmt::format(R"({{"exp":{}}})", now() + 9), 401},
      {"issuer = \"a\"", fmt::format(R"({{"iss":["a"],"exp":{}}})", now() + 9), 401},
      {"audience = \"shop\"", claims(), 200},
      {"audience = \"bank\"", claims(), 401},
      {"audience = \"shop\"", fmt::format(R"({{"exp":{}}})", now() + 9), 401},
      {"audience = \"shop\"", fmt::format(R"({{"aud":"shop","exp":{}}})", now() + 9), 200},
      {"audience = \"shop\"", fmt::format(R"({{"aud":{{"shop":1}},"exp":{}}})", now() + 9), 401},
      {"type = \"at+jwt\"", claims(), 401},
      {"max_age = \"1m\"", claims(), 401},
      {"max_age = \"1m\"", claims(fmt::format(R"(,"iat":{})", now() - 50)), 200},
      {"max_age = \"1m\"", claims(fmt::format(R"(,"iat":{})", now() - 100)), 401},
      {"leeway = \"2m\"", fmt::format(R"({{"exp":{}}})", now() - 100), 200},
      {"leeway = \"0s\"", fmt::format(R"({{"exp":{}}})", now() - 1), 401},
      {"require_expiry = false", "{}", 200},
  };
  for (const auto& [rules, text, status] : kCases) {
    TestEdge edge(below_edge(config(signer, "[\"EdDSA\"]", rules)));
    EXPECT_EQ(send(edge, signer.token(text)).status, status) << rules << " " << text;
  }
  TestEdge edge(below_edge(config(signer, "[\"EdDSA\"]", "type = \"at+jwt\"")));
  const std::string header = R"({"alg":"EdDSA","typ":"application/AT+JWT"})";
  EXPECT_EQ(send(edge, signer.token(header, claims())).status, 200);
}

TEST_F(JwtTest, ScopesAndClaimsThatAreMissingAreForbidden) {
  const Signer signer("HS256");
  const std::tuple<const char*, const char*, int> kCases[] = {
      {"scopes = [\"read\", \"write\"]", R"(,"scope":"write read")", 200},
      {"scopes = [\"read\"]", R"(,"scp":["read"])", 200},
      {"scopes = [\"read\"]", R"(,"scope":"reader")", 403},
      {"scopes = [\"read\"]", R"(,"scope":{"read":1})", 403},
      {"scopes = [\"read\"]", "", 403},
      {"claims = { role = \"admin\" }", R"(,"role":"admin")", 200},
      {"claims = { role = [\"admin\", \"root\"] }", R"(,"role":["user","root"])", 200},
      {"claims = { role = \"admin\" }", R"(,"role":"administrator")", 403},
      {"claims = { role = \"admin\" }", R"(,"role":{"admin":true})", 403},
      {"claims = { \"realm_access.roles\" = \"a\" }", R"(,"realm_access":{"roles":["a"]})", 200},
      {"claims = { \"https://x.example/r\" = \"a\" }", R"(,"https://x.example/r":"a")", 200},
      {"claims = { email_verified = \"true\" }", R"(,"email_verified":true)", 200},
      {"claims = { email_verified = \"true\" }", R"(,"email_verified":false)", 403},
  };
  for (const auto& [rules, more, status] : kCases) {
    TestEdge edge(below_edge(config(signer, "[\"HS256\"]", rules)));
    const auto response = send(edge, signer.token(claims(more)));
    EXPECT_EQ(response.status, status) << rules << " " << more;
    if (status == 403) {
      EXPECT_NE(challenge(response).find("error=\"insufficient_scope\""), std::string::npos);
    }
  }
}

TEST_F(JwtTest, ClaimsReachTheOriginAndForgedOnesDoNot) {
  const Signer signer("HS256");
  http::Fields seen;
  TestEdge edge(
      below_edge(config(signer, "[\"HS256\"]",
                        "required = false\n"
                        "fields = { X-User = \"sub\", x-roles = \"roles\", x-bad = \"bad\" }")),
      [&](http::Request& request) {
        seen = request.fields;
        return http::text_response(200, "");
      });
  const std::vector<std::pair<std::string, std::string>> forged = {
      {"x-user", "root"}, {"x_user", "root"}, {"x-roles", "all"}, {"x-bad", "worse"}};
  edge.get("/", forged);
  EXPECT_FALSE(seen.get("x-user"));
  EXPECT_FALSE(seen.get("x_user"));
  auto fields = forged;
  fields.emplace_back("authorization",
                      "bearer " + signer.token(claims(R"(,"roles":["a","b"],"bad":"x\r\ny: z")")));
  EXPECT_EQ(edge.get("/", fields).status, 200);
  EXPECT_EQ(seen.get_all("x-user"), "alice");
  EXPECT_EQ(seen.get_all("x-roles"), "a,b");
  EXPECT_FALSE(seen.get("x_user"));
  EXPECT_FALSE(seen.get("x-bad"));
  EXPECT_FALSE(seen.get("y"));
  // Optional is not careless: a token that is there must be good.
  EXPECT_EQ(send(edge, "x.y.z").status, 401);
}

TEST_F(JwtTest, ATokenMayComeInACookieOrAParameter) {
  const Signer signer("HS256");
  TestEdge edge(
      below_edge(config(signer, "[\"HS256\"]", "cookie = \"session\"\nquery = \"token\"")));
  const std::string token = signer.token(claims());
  EXPECT_EQ(edge.get("/", {{"cookie", "a=b; session=" + token}}).status, 200);
  EXPECT_EQ(edge.get("/", {{"cookie", "xsession=" + token}}).status, 401);
  EXPECT_EQ(edge.get("/?a=b&token=" + token).status, 200);
  EXPECT_EQ(edge.get("/?token=" + token + "&token=x").status, 401);
}

TEST_F(JwtTest, WhatIsUnsafeInTheManifestIsRefused) {
  const std::string secret = "secret = \"" + secret_of_tests() + "\"";
  const std::pair<std::string, const char*> kWrong[] = {
      {"jwt = { " + secret + " }", "needs 'algorithms'"},
      {"jwt = { algorithms = [], " + secret + " }", "at least one"},
      {"jwt = { algorithms = [\"none\"], " + secret + " }", "no algorithm for signatures"},
      {"jwt = { algorithms = [\"hs256\"], " + secret + " }", "no algorithm for signatures"},
      {"jwt = { algorithms = [\"RS256\"], " + secret + " }", "no key here is one for RS256"},
      {"jwt = { algorithms = \"HS256\", secret = \"short\" }", "at least 32 bytes"},
      {"jwt = { algorithms = \"HS256\", secret = { env = \"CUSP_TEST_NOT_SET\" } }", "is not set"},
      {"jwt = { algorithms = \"HS256\", secret = { env = \"A\", file = \"b\" } }", "a secret is"},
      {"jwt = { algorithms = \"HS256\" }", "either 'jwks_url'"},
      {"jwt = { algorithms = \"RS256\", jwks_url = \"http://id.example/keys\" }", "https://"},
      {"jwt = { algorithms = \"RS256\", jwks_url = \"https://u:p@id.example/\" }", "not a URL"},
      {"jwt = { algorithms = \"RS256\", public_keys = \"nowhere.pem\" }", "nowhere.pem"},
      {"jwt = { algorithms = \"RS256\", public_keys = \"-----BEGIN x\" }", "PEM"},
      {"jwt = { algorithms = \"HS256\", audiance = \"a\", " + secret + " }",
       "did you mean 'audience'"},
      {"jwt = { algorithms = \"HS256\", fields = { \"a b\" = \"sub\" }, " + secret + " }",
       "not the name of a header field"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_EQ(problem.find(secret_of_tests()), problem.npos) << "a secret is told";
  }
}

}  // namespace
}  // namespace cusp::edge
