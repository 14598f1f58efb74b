#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

// An origin that answers /404 with 404 and reads its request empty, as a guest does.
http::Response answer_status_in_path(http::Request& request) {
  const auto status = static_cast<uint16_t>(std::stoi(request.target.substr(1)));
  http::Response response = http::text_response(status, "from the origin");
  response.fields.add("etag", "\"1\"");
  response.fields.add("content-encoding", "br");
  response.fields.add("x-kept", "1");
  request.fields.clear();
  request.method.clear();
  return response;
}

class ErrorPagesTest : public Test {
 protected:
  ErrorPagesTest() {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "404.html") << "<h1>Nothing here</h1>";
    std::ofstream(folder / "broken.html") << "<h1>Broken</h1>";
    std::ofstream(folder / "empty.html");
  }
  ~ErrorPagesTest() override { std::filesystem::remove_all(folder); }

  FeatureContext context() const { return {.directory = folder.string(), .app = "shop"}; }
  std::string body(std::string target, std::vector<std::pair<std::string, std::string>> fields) {
    TestEdge edge(kPages, answer_status_in_path, context());
    auto response = edge.get(std::move(target), std::move(fields));
    return edge.text(response);
  }

  static constexpr const char* kPages =
      R"(error_pages = { 404 = "404.html", 503 = "404.html", 5xx = "broken.html" })";
  static constexpr const char* kBrowser = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) /
      fmt::format("pages_{}", ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(ErrorPagesTest, StandInForErrorsOfAnybody) {
  TestEdge edge(kPages, answer_status_in_path, context());
  auto missing = edge.get("/404", {{"accept", kBrowser}});
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(edge.text(missing), "<h1>Nothing here</h1>");
  EXPECT_EQ(missing.fields.get("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(missing.fields.get("vary"), "accept");
  EXPECT_EQ(missing.fields.get("x-kept"), "1");
  EXPECT_FALSE(missing.fields.get("etag"));
  EXPECT_FALSE(missing.fields.get("content-encoding"));
  EXPECT_EQ(body("/500", {{"accept", kBrowser}}), "<h1>Broken</h1>");
  EXPECT_EQ(body("/503", {{"accept", kBrowser}}), "<h1>Nothing here</h1>")
      << "the status goes first";
  EXPECT_EQ(body("/403", {{"accept", kBrowser}}), "from the origin");
  EXPECT_EQ(body("/200", {{"accept", kBrowser}}), "from the origin");
}

TEST_F(ErrorPagesTest, StandInForFeaturesToo) {
  TestEdge edge(std::string(kPages) + "\nmaintenance = true", {}, context());
  auto response = edge.get("/", {{"accept", kBrowser}});
  EXPECT_EQ(edge.text(response), "<h1>Nothing here</h1>");
  EXPECT_EQ(response.fields.get("retry-after"), "300");
}

TEST_F(ErrorPagesTest, ProgramsReadTheOriginsAnswer) {
  for (const char* accept :
       {"*/*", "application/json", "text/*", "", "text/html;q=0", "text/html; q=0.000",
        "text/htmlx", "application/text/html", "text/plain,text/html;level=1;q=0"}) {
    EXPECT_EQ(body("/404", {{"accept", accept}}), "from the origin") << accept;
  }
  for (const char* accept : {"text/html", "TEXT/HTML", "text/plain, text/html;q=0.1",
                             "text/html;q=0.01", "text/html;level=1"}) {
    EXPECT_EQ(body("/404", {{"accept", accept}}), "<h1>Nothing here</h1>") << accept;
  }
  EXPECT_EQ(body("/404", {}), "from the origin");
  EXPECT_EQ(body("/404", {{"accept", kBrowser}, {"range", "bytes=0-1"}}), "from the origin");
  TestEdge edge(kPages, answer_status_in_path, context());
  http::Request head{
      .method = "HEAD", .scheme = "https", .authority = "shop.example", .target = "/404"};
  head.fields.add("accept", kBrowser);
  auto response = edge.send(std::move(head));
  EXPECT_EQ(edge.text(response), "from the origin") << "whose length a HEAD asks for";
}

TEST_F(ErrorPagesTest, HostileInputIsNotReflected) {
  std::ofstream(folder / "404.html") << "{{path}} ${uri} <!--#echo var=\"QUERY_STRING\" -->";
  EXPECT_EQ(body("/404?<script>", {{"accept", kBrowser}, {"referer", "<script>"}}),
            "{{path}} ${uri} <!--#echo var=\"QUERY_STRING\" -->");
}

TEST_F(ErrorPagesTest, MistakesAreNamed) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(error_pages = { 200 = "404.html" })", "'200' is neither a status from 400 to 599"},
      {R"(error_pages = { 600 = "404.html" })", "'600' is neither"},
      {R"(error_pages = { 3xx = "404.html" })", "'3xx' is neither"},
      {R"(error_pages = { 4040 = "404.html" })", "'4040' is neither"},
      {R"(error_pages = { -404 = "404.html" })", "'-404' is neither"},
      {R"(error_pages = { 404 = "none.html" })", "there is no file"},
      {R"(error_pages = { 404 = "empty.html" })", "the page is empty"},
      {R"(error_pages = { 404 = 5 })", "must be a string"},
      {R"(error_pages = "404.html")", "must be a table"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text, context());
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:2:")) << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
