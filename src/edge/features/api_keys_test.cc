#include <gtest/gtest.h>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

// The digests of "key-of-acme" and "key-of-umbrella".
constexpr std::string_view kKeys = R"(
[edge.api_keys]
query = "api_key"
field = "X-Client"
[edge.api_keys.keys]
acme = "sha256:689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245"
umbrella = "7BC381AA4003ED9B4FAB09980F8B5EAFF1059F58EED25A0842FA8FE580F5A15E"
)";

struct Seen {
  http::Fields fields;
  std::string target;
};

TEST(ApiKeys, AKeyNamesTheClientAndGoesNoFurther) {
  Seen seen;
  TestEdge edge(kKeys, [&](http::Request& request) {
    seen = {request.fields, request.target};
    return http::text_response(200, "");
  });
  EXPECT_EQ(
      edge.get("/a", {{"x-api-key", "key-of-acme"}, {"x-client", "root"}, {"x_client", "root"}})
          .status,
      200);
  EXPECT_EQ(seen.fields.get_all("x-client"), "acme");
  EXPECT_FALSE(seen.fields.get("x_client"));
  EXPECT_FALSE(seen.fields.get("x-api-key"));
  EXPECT_EQ(edge.get("/a?b=c&api_key=key-of-umbrella&d").status, 200);
  EXPECT_EQ(seen.fields.get_all("x-client"), "umbrella");
  EXPECT_EQ(seen.target, "/a?b=c&d");
}

TEST(ApiKeys, WhatIsNoKeyIsRefused) {
  TestEdge edge(kKeys);
  const std::vector<std::pair<std::string, std::string>> kHostile[] = {
      {},
      {{"x-api-key", ""}},
      {{"x-api-key", "key-of-acm"}},
      {{"x-api-key", "key-of-acmee"}},
      {{"x-api-key", "KEY-OF-ACME"}},
      {{"x-api-key", "key-of-acme, key-of-acme"}},
      {{"x-api-key", "key-of-acme"}, {"x-api-key", "key-of-acme"}},
      {{"x-api-key", "sha256:689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245"}},
      {{"x-api-key", "689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245"}},
      {{"x-api-key", "acme"}},
      {{"x-api-key", std::string(50'000, 'a')}},
      {{"authorization", "Bearer key-of-acme"}},
  };
  for (const auto& fields : kHostile) {
    const auto response = edge.get("/", fields);
    EXPECT_EQ(response.status, 401) << (fields.empty() ? "" : fields[0].second.substr(0, 60));
    EXPECT_EQ(response.fields.get("www-authenticate"), "ApiKey realm=\"shop\"");
  }
  for (const char* target :
       {"/?api_key=", "/?api_key", "/?API_KEY=key-of-acme", "/?xapi_key=key-of-acme",
        "/?api_key=key-of-acme&api_key=key-of-acme"}) {
    EXPECT_EQ(edge.get(target).status, 401) << target;
  }
  EXPECT_EQ(edge.fetches(), 0u);
}

TEST(ApiKeys, AKeyMayBeABearerToken) {
  TestEdge edge(
      "api_keys = { header = \"Authorization\", keys = { acme = "
      "\"689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245\" } }");
  EXPECT_EQ(edge.get("/", {{"authorization", "Bearer key-of-acme"}}).status, 200);
  EXPECT_EQ(edge.get("/", {{"authorization", "key-of-acme"}}).status, 401);
  EXPECT_EQ(edge.get("/?api_key=key-of-acme").status, 401);
}

TEST(ApiKeys, KeysThatCannotBeRightAreRefused) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"api_keys = { keys = { a = \"plain\" } }", "never the key itself"},
      {"api_keys = { keys = { a = \"sha256:zz\" } }", "64 hexadecimal"},
      {"api_keys = { keys = { a = "
       "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\", b = "
       "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\" } }",
       "the same key"},
      {"api_keys = { keys = {} }", "needs 'keys'"},
      {"api_keys = { header = \"a b\", keys = { a = "
       "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\" } }",
       "name of a header"},
      {"api_keys = { kays = {} }", "did you mean 'keys'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
