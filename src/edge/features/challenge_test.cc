#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using testing::problem_of;
using testing::TestEdge;

using Fields = std::vector<std::pair<std::string, std::string>>;
const Fields kBrowser = {{"accept", "text/html,*/*;q=0.8"}};

Fields with_cookie(const std::string& cookie) {
  Fields fields = kBrowser;
  fields.emplace_back("cookie", cookie);
  return fields;
}

// The cookie that the page's script sets, for a difficulty of so many bytes.
std::string solved_cookie(const std::string& page, size_t bytes = 1) {
  const size_t at = page.find("challenge = \"") + 13;
  const std::string challenge = page.substr(at, page.find('"', at) - at);
  for (int number = 0;; ++number) {
    const std::string proof = challenge + "." + std::to_string(number);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(proof.data()), proof.size(), digest);
    if (std::all_of(digest, digest + bytes, [](auto byte) { return byte == 0; }))
      return "cusp-proof=" + proof;
  }
}

class Challenge : public ::testing::Test {
 protected:
  std::string proof(const std::string& client = "192.0.2.1") {
    auto page = edge_.get("/", kBrowser, client);
    return solved_cookie(edge_.text(page));
  }
  std::string clearance(const std::string& client = "192.0.2.1") {
    const auto response = edge_.get("/", with_cookie(proof(client)), client);
    const std::string set(response.fields.get("set-cookie").value_or(""));
    return set.substr(0, set.find(';'));
  }

  TestEdge edge_{"challenge = { difficulty = 8 }"};
};

TEST_F(Challenge, AsksBrowsersToSolveIt) {
  auto response = edge_.get("/", kBrowser);
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.fields.get("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(response.fields.get("cache-control"), "no-store");
  EXPECT_TRUE(response.fields.get("content-security-policy")->starts_with("default-src 'none'"));
  const std::string page = edge_.text(response);
  EXPECT_NE(page.find("bits = 8"), page.npos);
  EXPECT_EQ(edge_.fetches(), 0u);
}

TEST_F(Challenge, RefusesOthersWithoutAPage) {
  auto response = edge_.get("/", {{"accept", "*/*"}});
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.fields.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(edge_.get("/").status, 403);
  EXPECT_EQ(edge_.fetches(), 0u);
}

TEST_F(Challenge, WhoSolvesItIsSpareForAWhile) {
  const auto response = edge_.get("/a?b=c", with_cookie(proof()));
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.fields.get("location"), "/a?b=c");
  const std::string set(*response.fields.get("set-cookie"));
  EXPECT_NE(set.find("Max-Age=3600; HttpOnly; SameSite=Lax; Secure"), set.npos) << set;
  EXPECT_EQ(edge_.get("/", with_cookie("a=b; " + set.substr(0, set.find(';')))).status, 200);
  EXPECT_EQ(edge_.fetches(), 1u);
}

TEST_F(Challenge, NeitherProofNorClearanceServesAnotherClient) {
  EXPECT_EQ(edge_.get("/", with_cookie(proof()), "192.0.2.2").status, 403);
  EXPECT_EQ(edge_.get("/", with_cookie(clearance()), "192.0.2.2").status, 403);
  EXPECT_EQ(edge_.get("/", with_cookie(clearance()), "2001:db8::1").status, 403);
  EXPECT_EQ(edge_.get("/", with_cookie(clearance("2001:db8::1")), "2001:db8::2").status, 200);
  TestEdge other("challenge = { difficulty = 8 }");  // another key
  EXPECT_EQ(other.get("/", with_cookie(clearance())).status, 403);
}

TEST_F(Challenge, LeadsBackToThisHostAlone) {
  EXPECT_EQ(edge_.get("//evil.example/", with_cookie(proof())).fields.get("location"),
            "/.//evil.example/");
}

TEST_F(Challenge, TakesNoOtherCookieForOne) {
  const std::string good = clearance();
  for (const std::string& cookie :
       {std::string("cusp-clearance="), std::string("cusp-clearance"), good + "0",
        good.substr(0, good.size() - 1), "x" + good, std::string("cusp-proof=.1"),
        "cusp-clearance=\"" + good.substr(15) + "\"", std::string(60'000, ';'),
        std::string("cusp-clearance=a;cusp-clearance=b;cusp-clearance=c;cusp-clearance=d;") +
            good}) {
    EXPECT_EQ(edge_.get("/", with_cookie(cookie)).status, 403) << cookie.substr(0, 80);
  }
  EXPECT_EQ(edge_.get("/", with_cookie("cusp-clearance=a; " + good)).status, 200);
}

TEST(ChallengeFeature, AsksOnlyWhomItShould) {
  TestEdge edge(R"(challenge = { when = 'path starts_with "/shop"' })");
  EXPECT_EQ(edge.get("/api", kBrowser).status, 200);
  EXPECT_EQ(edge.get("/shop/cart", kBrowser).status, 403);
}

TEST(ChallengeFeature, IsWhatARuleMayAskFor) {
  TestEdge edge(R"(
[[edge.rules]]
when = 'path starts_with "/shop"'
action = "challenge"
[[edge.rules]]
when = 'path contains "secret"'
)");
  EXPECT_EQ(edge.get("/api", kBrowser).status, 200);
  EXPECT_EQ(edge.get("/shop", {{"accept", "*/*"}}).status, 403);
  auto page = edge.get("/shop", kBrowser);
  EXPECT_EQ(page.status, 403);
  const auto welcome = edge.get("/shop", with_cookie(solved_cookie(edge.text(page), 2)));
  EXPECT_EQ(welcome.status, 302);
  const std::string set(welcome.fields.get("set-cookie").value_or(""));
  const std::string clearance = set.substr(0, set.find(';'));
  EXPECT_EQ(edge.get("/shop", with_cookie(clearance)).status, 200);
  EXPECT_EQ(edge.get("/shop", with_cookie(clearance), "192.0.2.2").status, 403);
  auto blocked = edge.get("/shop/secret", with_cookie(clearance));
  EXPECT_EQ(edge.text(blocked), "Forbidden\n") << "the rules that follow count all the same";
}

TEST(ChallengeFeature, RefusesWhatMakesNone) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"challenge = 7", "table"},
      {"challenge = { difficulty = 0 }", "difficulty"},
      {"challenge = { difficulty = 25 }", "difficulty"},
      {R"(challenge = { ttl = "1s" })", "between 1m"},
      {R"(challenge = { ttl = "9999h" })", "between 1m"},
      {R"(challenge = { when = "path" })", "condition"},
      {"challenge = { dificulty = 8 }", "did you mean 'difficulty'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
