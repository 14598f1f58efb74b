#include "edge/pipeline.h"

#include <gtest/gtest.h>

#include "edge/site.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;

TEST(Pipeline, WithoutFeaturesAsksTheOrigin) {
  TestEdge edge("");
  auto response = edge.get("/x");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(edge.text(response), "origin");
  EXPECT_TRUE(response.fields.get("content-type"));
  EXPECT_FALSE(response.fields.get("server-timing"));
}

TEST(Pipeline, TellsOfEachStepInServerTimingWhenAsked) {
  TestEdge edge(R"(headers.request.set = { a = "b" })");
  edge.pipeline().set_server_timing(true);
  const auto response = edge.get("/");
  const auto timing = response.fields.get("server-timing").value_or("");
  EXPECT_TRUE(timing.starts_with("route;dur=")) << timing;
  EXPECT_NE(timing.find("authorize-headers;dur="), timing.npos) << timing;
  EXPECT_NE(timing.find("generate;dur="), timing.npos) << timing;
}

TEST(Pipeline, ExplainsARequestWithoutAskingTheOrigin) {
  TestEdge edge(R"(headers.request.set = { a = "b" })");
  TestConnection connection("192.0.2.1");
  http::Request request{.method = "GET", .target = "/", .connection = &connection};
  const Trail trail = edge.run(edge.pipeline().explain(request));
  ASSERT_EQ(trail.steps.size(), 2u);
  EXPECT_EQ(trail.steps[0].phase, Phase::kRoute);
  EXPECT_EQ(trail.steps[1].feature, "headers");
  EXPECT_EQ(trail.steps[1].verdict, "lets it pass: 1 fields of the request changed");
  EXPECT_EQ(edge.fetches(), 0u);
}

Result<std::unique_ptr<const Site>> read_site(std::string_view text) {
  auto file = TomlFile::parse(text, "cusp.toml");
  EXPECT_TRUE(file);
  return Site::read(*file, test_context());
}

TEST(Site, RoutesInheritFeaturesAndSwitchThemOff) {
  const auto site = read_site(R"(
[edge]
headers.response.set = { a = "1" }
[[route]]
path = "/a"
[[route]]
path = "/b"
edge = { headers = false }
[[route]]
path = "/c"
upstream = "http://127.0.0.1:1"
)");
  ASSERT_TRUE(site) << site.error().to_string();
  ASSERT_NE((*site)->plan(0), nullptr);
  EXPECT_EQ((*site)->plan(0)->entries().size(), 1u);
  EXPECT_EQ((*site)->plan(1), nullptr);
  EXPECT_EQ((*site)->target(0), "");
  EXPECT_EQ((*site)->target(2), "upstream 'http://127.0.0.1:1'");
}

TEST(Site, NamesThePlaceOfWhatIsWrong) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"[edge]\nheadres = {}\n", "cusp.toml:2:1: unknown key 'headres' in 'edge'; did you mean"},
      {"[upstream.api]\nurl = \"ftp://x\"\n", "cusp.toml:2:7: 'ftp://x' is not the address"},
      {"[upstream.api]\nurl = \"http://h\"\n[[route]]\npath = \"/\"\nupstream = \"ap\"\n",
       "cusp.toml:5:12: there is no [upstream.ap]; did you mean 'api'?"},
      {"[[route]]\nupstream = \"http://user@h\"\n", "is not the address of an upstream"},
      {"[[route]]\nupstream = \"http://h/path\"\n", "without a path"},
  };
  for (const auto& [text, expected] : kWrong) {
    const auto site = read_site(text);
    ASSERT_FALSE(site) << text;
    EXPECT_NE(site.error().to_string().find(expected), std::string::npos)
        << site.error().to_string();
  }
}

}  // namespace
}  // namespace cusp::edge
