#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

constexpr const char* kBrowser = "text/html,application/xhtml+xml,*/*;q=0.8";

TEST(Maintenance, AnswersInPlaceOfTheOrigin) {
  TestEdge edge("maintenance = true");
  auto page = edge.get("/a?b", {{"accept", kBrowser}});
  EXPECT_EQ(page.status, 503);
  EXPECT_EQ(page.fields.get("retry-after"), "300");
  EXPECT_EQ(page.fields.get("cache-control"), "no-store");
  EXPECT_EQ(page.fields.get("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(edge.text(page).find("<h1>Back soon</h1>"), std::string::npos);
  auto program = edge.get("/", {{"accept", "*/*"}});
  EXPECT_EQ(program.fields.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(edge.text(program), "Down for maintenance\n");
  EXPECT_EQ(edge.fetches(), 0u);
}

TEST(Maintenance, LetsThoseThroughWhoWorkOnIt) {
  TestEdge edge(
      R"(maintenance = { allow = ["192.0.2.0/28"], bypass = 'cookie["key"] == "s3cret"' })");
  EXPECT_EQ(edge.get("/", {}, "192.0.2.1").status, 200);
  EXPECT_EQ(edge.get("/", {}, "::ffff:192.0.2.1").status, 200);
  EXPECT_EQ(edge.get("/", {}, "192.0.2.16").status, 503);
  EXPECT_EQ(edge.get("/", {}, "").status, 503);
  EXPECT_EQ(edge.get("/", {{"cookie", "a=b; key=s3cret"}}, "198.51.100.1").status, 200);
  EXPECT_EQ(edge.get("/", {{"cookie", "key=s3cret2"}}, "198.51.100.1").status, 503);
  EXPECT_EQ(edge.get("/", {{"cookie", "key=s3cret; key=x"}}, "198.51.100.1").status, 503);
  EXPECT_EQ(edge.get("/", {{"x-forwarded-for", "192.0.2.1"}}, "198.51.100.1").status, 503);
}

TEST(Maintenance, ServesThePageOfTheOperatorAsItIs) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "maintenance_page";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "down.html") << "<p>{{path}} $request_uri</p>";
  TestEdge edge(R"(maintenance = { page = "down.html", retry_after = "1500ms" })", {},
                {.directory = folder.string()});
  auto response = edge.get("/<script>", {{"accept", kBrowser}});
  EXPECT_EQ(edge.text(response), "<p>{{path}} $request_uri</p>");
  EXPECT_EQ(response.fields.get("retry-after"), "2");
  std::filesystem::remove_all(folder);
}

TEST(Maintenance, IsOffWhenToldSo) {
  TestEdge edge("maintenance = { enabled = false }");
  EXPECT_EQ(edge.get("/").status, 200);
  TestEdge off("maintenance = false");
  EXPECT_EQ(off.get("/").status, 200);
}

TEST(Maintenance, MistakesAreNamed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(maintenance = "yes")", "must be a table"},
      {R"(maintenance = { page = "none.html" })", "there is no file"},
      {R"(maintenance = { retry_after = 5 })", "must be a string"},
      {R"(maintenance = { allow = ["DE"] })", "neither an address nor a block"},
      {R"(maintenance = { bypass = 'cookie' })", "'cookie' needs a name"},
      {R"(maintenance = { bypas = 'tls' })", "did you mean 'bypass'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:2:")) << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
