#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

TEST(Headers, ChangeTheRequestBeforeTheOriginSeesIt) {
  http::Fields seen;
  TestEdge edge(R"(
headers.request = { set = { X-Edge = "1" }, add = { x-more = "b" }, remove = ["Cookie"] }
)",
                [&](http::Request& request) {
                  seen = request.fields;
                  return http::text_response(200, "");
                });
  edge.get("/", {{"cookie", "a=b"}, {"x-edge", "forged"}, {"x-more", "a"}});
  EXPECT_EQ(seen.get("x-edge"), "1");
  EXPECT_EQ(seen.get_all("x-more"), "a, b");
  EXPECT_FALSE(seen.get("cookie"));
}

TEST(Headers, ChangeTheResponseWhoeverMadeIt) {
  TestEdge edge(R"(headers.response = { set = { x-frame-options = "DENY" }, remove = ["server"] })",
                [](http::Request&) {
                  http::Response response;
                  response.fields.add("server", "old");
                  return response;
                });
  const auto response = edge.get("/");
  EXPECT_EQ(response.fields.get("x-frame-options"), "DENY");
  EXPECT_FALSE(response.fields.get("server"));
}

TEST(Headers, RefuseRulesThatWouldBreakTheMessage) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(headers.response.set = { "content-length" = "7" })", "frames the message"},
      {R"(headers.request.remove = ["Host"])", "frames the message"},
      {R"(headers.response.set = { "a b" = "7" })", "not the name of a header field"},
      {R"(headers.response.set = { a = "x\r\nset-cookie: y" })", "cannot stand in a header field"},
      {R"(headers.response.set = { a = 7 })", "string"},
      {R"(headers.response.sett = { a = "7" })", "did you mean 'set'"},
      {R"(headers = "x")", "table"},
      {R"(headers = {})", "needs a table 'request' or 'response'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:2:")) << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
