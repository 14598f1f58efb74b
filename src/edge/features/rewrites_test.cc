#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

// What the origin is asked for; the status where it is not.
std::string origin_sees(std::string_view config, std::string target) {
  std::string seen;
  TestEdge edge(config, [&](http::Request& request) {
    seen = request.target;
    return http::text_response(200, "");
  });
  const auto response = edge.get(std::move(target));
  return seen.empty() ? fmt::format("{}", response.status) : seen;
}

TEST(Rewrites, ChangeWhatTheOriginIsAskedFor) {
  const std::string strip = R"(rewrites = { strip_prefix = "/api/" })";
  EXPECT_EQ(origin_sees(strip, "/api/users?x=1"), "/users?x=1");
  EXPECT_EQ(origin_sees(strip, "/api"), "/");
  EXPECT_EQ(origin_sees(strip, "/api/"), "/");
  EXPECT_EQ(origin_sees(strip, "/apis/users"), "/apis/users");
  EXPECT_EQ(origin_sees(strip, "/API/users"), "/API/users");
  const std::string add = R"(rewrites = { add_prefix = "/tenant" })";
  EXPECT_EQ(origin_sees(add, "/users?x"), "/tenant/users?x");
  EXPECT_EQ(origin_sees(add, "/"), "/tenant/");
  const std::string both = R"(rewrites = { strip_prefix = "/v1", add_prefix = "/api/v2" })";
  EXPECT_EQ(origin_sees(both, "/v1/users"), "/api/v2/users");
  EXPECT_EQ(origin_sees(both, "/v3/users"), "/v3/users");
  const std::string pattern = R"(
[[edge.rewrites]]
when = 'header["x-none"] != ""'
from = "/*"
to = "/never"
[[edge.rewrites]]
from = "/users/:id/*"
to = "/*?user=fixed"
[[edge.rewrites]]
from = "/*"
to = "/last/*"
query = "drop"
)";
  EXPECT_EQ(origin_sees(pattern, "/users/7/photos?size=2"), "/photos?user=fixed&size=2");
  EXPECT_EQ(origin_sees(pattern, "/other?size=2"), "/last/other");
}

TEST(Rewrites, HostilePathsLeaveNoFolder) {
  const std::string add = R"(rewrites = { add_prefix = "/tenant" })";
  for (const char* path :
       {"/../other", "/a/../../other", "/%2e%2e/other", "/%252e%252e/other", "/..%2fother",
        "/..\\other", "/..%5cother", "/..;/other", "/.", "/a/."}) {
    EXPECT_EQ(origin_sees(add, path), "400") << path;
  }
  const std::pair<const char*, const char*> kHarmless[] = {
      {"//other", "/tenant/other"},
      {"/\\other", "/tenant/other"},
      {"/a..b", "/tenant/a..b"},
      {"/a%00", "/tenant/a%00"},
      {"/?../..", "/tenant/?../.."},
      {"/.well-known/x", "/tenant/.well-known/x"},
      {"*", "*"},
  };
  for (const auto& [path, expected] : kHarmless)
    EXPECT_EQ(origin_sees(add, path), expected) << path;
  const std::string strip = R"(rewrites = { strip_prefix = "/api" })";
  EXPECT_EQ(origin_sees(strip, "/api//evil.example/"), "/evil.example/");
  EXPECT_EQ(origin_sees(strip, "/%61pi/x"), "/%61pi/x");
  EXPECT_EQ(origin_sees(strip, "/other/../x"), "/other/../x") << "no rule applies";
}

TEST(Rewrites, MistakesAreNamed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(rewrites = {})", "needs either 'from' and 'to', or 'strip_prefix'"},
      {R"(rewrites = { from = "/a", to = "/b", add_prefix = "/c" })", "needs either"},
      {R"(rewrites = { from = "/a" })", "needs the key 'to'"},
      {R"(rewrites = { strip_prefix = "api" })", "must be a path without holes"},
      {R"(rewrites = { strip_prefix = "/:a" })", "must be a path without holes"},
      {R"(rewrites = { add_prefix = "/" })", "must be a path without holes"},
      {R"(rewrites = { add_prefix = "/a?b" })", "must be a path without holes"},
      {R"(rewrites = { from = "/a", to = "https://evil.example/" })", "neither host nor fragment"},
      {R"(rewrites = { from = "/a", to = "/b#c" })", "neither host nor fragment"},
      {R"(rewrites = { from = "/a", to = "/b", too = 1 })", "did you mean 'to'"},
      {R"(rewrites = "x")", "must be a table or an array of tables"},
      {R"(rewrites = ["x"])", "must be a table"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:2:")) << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
