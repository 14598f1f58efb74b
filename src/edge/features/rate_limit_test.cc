#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using testing::problem_of;
using testing::TestEdge;

using Fields = std::vector<std::pair<std::string, std::string>>;

// How many of `count` requests pass.
int passed(TestEdge& edge, int count, const Fields& fields = {}, std::string client = "192.0.2.1") {
  int passed = 0;
  for (int i = 0; i < count; ++i) passed += edge.get("/", fields, client).status == 200;
  return passed;
}

TEST(RateLimit, CountsEachAddressByItself) {
  TestEdge edge(R"(rate_limit = { limit = 3, window = "1h" })");
  EXPECT_EQ(passed(edge, 5), 3);
  EXPECT_EQ(passed(edge, 5, {}, "192.0.2.2"), 3);
  EXPECT_EQ(passed(edge, 5, {}, "2001:db8::1"), 3);
  EXPECT_EQ(passed(edge, 5, {}, "2001:db8::2"), 0);  // the same customer
  EXPECT_EQ(passed(edge, 5, {}, "2001:db8:0:1::1"), 3);
  EXPECT_EQ(edge.fetches(), 12u);
}

TEST(RateLimit, SaysWhatRemainsAndWhenToComeBack) {
  TestEdge edge(R"(rate_limit = { name = "search", limit = 2, window = "1m" })");
  auto response = edge.get("/");
  EXPECT_EQ(response.fields.get("ratelimit-policy"), R"("search";q=2;w=60)");
  EXPECT_TRUE(response.fields.get("ratelimit")->starts_with(R"("search";r=1;t=)"));
  edge.get("/");
  response = edge.get("/");
  EXPECT_EQ(response.status, 429);
  EXPECT_TRUE(response.fields.get("ratelimit")->starts_with(R"("search";r=0;t=)"));
  const int retry = std::stoi(std::string(*response.fields.get("retry-after")));
  EXPECT_GE(retry, 60);
  EXPECT_LE(retry, 60 * 8 / 7 + 1);
  EXPECT_EQ(response.fields.get("cache-control"), "no-store");
}

TEST(RateLimit, WhatOneLimitRefusesCostsTheOthersNothing) {
  TestEdge edge(R"(rate_limit = [
    { name = "day", limit = 5, window = "24h" },
    { name = "burst", limit = 2, window = "1h", when = 'header["x-fast"] == "1"' }])");
  EXPECT_EQ(passed(edge, 10, {{"x-fast", "1"}}), 2);
  auto response = edge.get("/");
  EXPECT_EQ(response.fields.get("ratelimit-policy"), R"("day";q=5;w=86400)");
  EXPECT_TRUE(response.fields.get("ratelimit")->starts_with(R"("day";r=2;)"));
  response = edge.get("/", {{"x-fast", "1"}});
  EXPECT_EQ(response.fields.get_all("ratelimit-policy"),
            R"("day";q=5;w=86400, "burst";q=2;w=3600)");
}

TEST(RateLimit, CountsByAnyPropertyOfTheRequest) {
  TestEdge edge(R"(rate_limit = { limit = 2, window = "1h", key = 'header["x-api-key"]' })");
  EXPECT_EQ(passed(edge, 5, {{"x-api-key", "a"}}), 2);
  EXPECT_EQ(passed(edge, 5, {{"x-api-key", "b"}}, "192.0.2.2"), 2);
  EXPECT_EQ(passed(edge, 5, {{"x-api-key", "a"}}, "192.0.2.3"), 0);
}

TEST(RateLimit, LeavingTheKeyOutIsNoWayAround) {
  TestEdge edge(R"(rate_limit = { limit = 2, window = "1h", key = 'header["x-api-key"]' })");
  EXPECT_EQ(passed(edge, 5), 2);
  EXPECT_EQ(passed(edge, 5, {}, "192.0.2.2"), 2);
  EXPECT_EQ(passed(edge, 5, {{"x-api-key", ""}}), 0);
  // A key that looks like an address is not one.
  EXPECT_EQ(passed(edge, 5, {{"x-api-key", std::string("\xc0\x00\x02\x01", 4)}}), 2);
}

TEST(RateLimit, ATokenBucketTakesABurst) {
  TestEdge edge(
      R"(rate_limit = { limit = 1, window = "1h", algorithm = "token_bucket", burst = 4 })");
  EXPECT_EQ(passed(edge, 9), 4);
  EXPECT_EQ(edge.get("/").fields.get("ratelimit-policy"), R"("limit1";q=4;w=3600)");
}

TEST(RateLimit, SaysWhyItDecidedSo) {
  TestEdge edge(R"(rate_limit = { limit = 9, window = "1h" })");
  http::Request request{.method = "GET", .target = "/"};
  edge.run(edge.pipeline().explain(request));  // being tried out costs nothing
  const Trail trail = edge.run(edge.pipeline().explain(request));
  EXPECT_EQ(trail.steps[1].verdict, "lets it pass: limit1: 8 of 9 remain");
}

TEST(RateLimit, RefusesWhatMakesNoLimit) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"rate_limit = []", "needs a limit"},
      {"rate_limit = {}", "'limit'"},
      {"rate_limit = { limit = 1 }", "'window'"},
      {R"(rate_limit = { limit = 0, window = "1s" })", "limit"},
      {R"(rate_limit = { limit = -1, window = "1s" })", "limit"},
      {R"(rate_limit = { limit = 1, window = "1ms" })", "between 100ms"},
      {R"(rate_limit = { limit = 1, window = "1000h" })", "31 days"},
      {R"(rate_limit = { limit = 1, window = 60 })", "window"},
      {R"(rate_limit = { limit = 1, window = "1s", algorithm = "leaky" })", "token_bucket"},
      {R"(rate_limit = { limit = 1, window = "1s", burst = 5 })", "goes with"},
      {R"(rate_limit = { limit = 1, window = "1s", key = "contry" })", "did you mean 'country'"},
      {R"(rate_limit = { limit = 1, window = "1s", when = "country" })", "condition"},
      {R"(rate_limit = { limit = 1, window = "1s", scope = "world" })", "route"},
      {R"(rate_limit = { limit = 1, window = "1s", name = "a\"b" })", "printable"},
      {R"(rate_limit = { limit = 1, window = "1s", name = "" })", "printable"},
      {R"(rate_limit = { limit = 1, window = "1s", keys = 1 })", "keys"},
      {R"(rate_limit = { limit = 1, widow = "1s" })", "did you mean 'window'"},
      {R"(rate_limit = [{ limit = 1, window = "1s", name = "a" },
                        { limit = 2, window = "1s", name = "a" }])",
       "two limits are named 'a'"},
      {"rate_limit = 7", "rate_limit"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
