#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "edge/features/redirect_map.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace testing;
using ::testing::Test;

// "302 /new", "200" for a request that goes on.
std::string asked(TestEdge& edge, std::string target, std::string host = "shop.example",
                  std::string scheme = "https") {
  http::Request request{.method = "GET",
                        .scheme = std::move(scheme),
                        .authority = std::move(host),
                        .target = std::move(target)};
  const auto response = edge.send(std::move(request));
  const auto location = response.fields.get("location");
  return fmt::format("{}{}{}", response.status, location ? " " : "", location.value_or(""));
}

TEST(Redirects, LeadWhereTheirRulesSay) {
  TestEdge edge(R"(
[[edge.redirects]]
from = "/old"
to = "/new"
[[edge.redirects]]
from = "/blog/:year/*"
to = "https://archive.example/:year/*?from=blog#top"
status = 308
[[edge.redirects]]
from = "/bare"
to = "/dressed"
status = 301
query = "drop"
)");
  EXPECT_EQ(asked(edge, "/old"), "302 /new");
  EXPECT_EQ(asked(edge, "/old?a=1"), "302 /new?a=1");
  EXPECT_EQ(asked(edge, "/old/"), "200");
  EXPECT_EQ(asked(edge, "/blog/2024/05/x?a=1"),
            "308 https://archive.example/2024/05/x?from=blog&a=1#top");
  EXPECT_EQ(asked(edge, "/bare?secret=1"), "301 /dressed");
  EXPECT_EQ(asked(edge, "/other"), "200");
  EXPECT_EQ(edge.fetches(), 2u);
}

TEST(Redirects, KeepToTheirConditions) {
  TestEdge edge(R"(
[[edge.redirects]]
host = ["old.example", "*.old.example"]
from = "/*"
to = "https://new.example/*"
[[edge.redirects]]
scheme = "http"
from = "/*"
to = "https://shop.example/*"
[[edge.redirects]]
when = 'query["lang"] == "de"'
from = "/:page"
to = "/de/:page"
query = "drop"
)");
  EXPECT_EQ(asked(edge, "/a", "OLD.example.:8443"), "302 https://new.example/a");
  EXPECT_EQ(asked(edge, "/a", "www.old.example"), "302 https://new.example/a");
  EXPECT_EQ(asked(edge, "/a", "evilold.example"), "200");
  EXPECT_EQ(asked(edge, "/a", ".old.example.evil"), "200");
  EXPECT_EQ(asked(edge, "/a", "shop.example", "http"), "302 https://shop.example/a");
  EXPECT_EQ(asked(edge, "/a?lang=de"), "302 /de/a");
  EXPECT_EQ(asked(edge, "/a?lang=en"), "200");
}

TEST(Redirects, ToTheSameUrlAreLeftOut) {
  TestEdge edge(R"(
[[edge.redirects]]
from = "/*"
to = "https://shop.example/*"
[[edge.redirects]]
when = "true"
from = "/a"
to = "/a#there"
)");
  EXPECT_EQ(asked(edge, "/a?x=1"), "200");
  EXPECT_EQ(asked(edge, "/a", "SHOP.example"), "200");
  EXPECT_EQ(asked(edge, "/a", "www.shop.example"), "302 https://shop.example/a");
  EXPECT_EQ(asked(edge, "/a", "shop.example", "http"), "302 https://shop.example/a");
}

TEST(Redirects, AreClosedToHostileTargets) {
  TestEdge edge(R"(
[[edge.redirects]]
from = "/go/*"
to = "/*"
[[edge.redirects]]
from = "/to/*"
to = "https://shop.example/*"
)");
  const std::pair<const char*, const char*> kHostile[] = {
      {"/go//evil.example", "302 /evil.example"},
      {"/go////evil.example/%2f..", "302 /evil.example/%2f.."},
      {"/go/\\evil.example", "302 /%5Cevil.example"},
      {"/go/%5cevil.example", "302 /%5cevil.example"},
      {"/go/https://evil.example", "302 /https://evil.example"},
      {"/go/%0d%0aset-cookie:a=b", "302 /%0d%0aset-cookie:a=b"},
      {"/go/a\r\nset-cookie: a=b", "302 /a%0D%0Aset-cookie:%20a=b"},
      {"/go/a?x=\r\nset-cookie: a=b", "302 /a?x=%0D%0Aset-cookie:%20a=b"},
      {"/go/a?<script>", "302 /a?%3Cscript%3E"},
      {"/to//evil.example", "302 https://shop.example/evil.example"},
      {"/to/@evil.example", "302 https://shop.example/@evil.example"},
      {"/to/.evil.example", "302 https://shop.example/.evil.example"},
      {"*", "200"},
      {"", "200"},
  };
  for (const auto& [target, expected] : kHostile)
    EXPECT_EQ(asked(edge, target), expected) << target;
}

// A folder with the map of a test.
class RedirectMapTest : public Test {
 protected:
  RedirectMapTest() { std::filesystem::create_directories(folder); }
  ~RedirectMapTest() override { std::filesystem::remove_all(folder); }

  void write(std::string_view text) { std::ofstream(folder / "map.csv") << text; }
  FeatureContext context() const { return {.directory = folder.string(), .app = "shop"}; }
  std::string problem() const {
    return problem_of("[[edge.redirects]]\nmap = \"map.csv\"\nstatus = 301", context());
  }

  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) /
      fmt::format("redirects_{}", ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(RedirectMapTest, LooksUpPathsAndPathsWithQueries) {
  write(
      "from,to,status\r\n"
      "/a,/b\r\n"
      "\n"
      "# a comment, with a comma\n"
      " /c , https://example.com/d?x=1#top , 308\n"
      "/p?id=5,/five\n"
      "/p,/others,307\n"
      "\"/q,1\",\"/with \"\"quotes\"\"\",302\n");
  EXPECT_NE(problem().find("map.csv:8: 'to' must be a path"), std::string::npos) << problem();
  write(
      "from,to,status\r\n"
      "/a,/b\r\n"
      " /c , https://example.com/d?x=1#top , 308\n"
      "/p?id=5,/five\n"
      "/p,/others,307\n"
      "\"/q,1\", /r\n"
      "\"/s\" ,\"/t,u\" , \"303\"");
  TestEdge edge("[[edge.redirects]]\nmap = \"map.csv\"\nstatus = 301", {}, context());
  EXPECT_EQ(asked(edge, "/a"), "301 /b");
  EXPECT_EQ(asked(edge, "/a?x=1"), "301 /b?x=1");
  EXPECT_EQ(asked(edge, "/c?y=2"), "308 https://example.com/d?x=1&y=2#top");
  EXPECT_EQ(asked(edge, "/p?id=5"), "301 /five");
  EXPECT_EQ(asked(edge, "/p?id=6"), "307 /others?id=6");
  EXPECT_EQ(asked(edge, "/s"), "303 /t,u");
  EXPECT_EQ(asked(edge, "/A"), "200");
  EXPECT_EQ(asked(edge, "/from"), "200");
}

TEST_F(RedirectMapTest, EachBadLineIsNamed) {
  const std::pair<std::string, const char*> kWrong[] = {
      {"/a", "map.csv:1: expected from,to"},
      {"/a,/b,301,x", "map.csv:1: expected from,to"},
      {"\n\na,/b", "map.csv:3: 'from' must be a path"},
      {"/a#b,/c", "map.csv:1: 'from' must be a path"},
      {"/a,b", "map.csv:1: 'to' must be a path"},
      {"/a,//evil.example", "map.csv:1: 'to' must be a path"},
      {"/a,javascript:alert(1)", "map.csv:1: 'to' must be a path"},
      {"/a,https://", "map.csv:1: 'to' must be a path"},
      {"/a,/b c", "map.csv:1: 'to' must be a path"},
      {"/a,/b\xff", "map.csv:1: 'to' must be a path"},
      {"/a,/b\\c", "map.csv:1: 'to' must be a path"},
      {std::string("/a,/b\0c", 7), "map.csv:1: 'to' must be a path"},
      {"/a,/b,200", "map.csv:1: the status must be"},
      {"/a,/b,304", "map.csv:1: the status must be"},
      {"/a,/b,99999", "map.csv:1: the status must be"},
      {"/a,/b,-1", "map.csv:1: the status must be"},
      {"\"/a,/b", "map.csv:1: a quote that does not close"},
      {"\"/a\"x,/b", "map.csv:1: a quote that does not close"},
      {"/a,/b\n/a,/c", "map.csv:2: stands in line 1 already"},
      {"/a,/a", "map.csv:1: it leads to itself"},
      {"/a,/b\n/b,/c\n/c,/a#x", "map.csv:1: leads in circles"},
      {"/a," + std::string(17'000, '/'), "map.csv:1: 'to' must be a path"},
      {"/a,/" + std::string(17'000, 'a'), "map.csv:1: longer than 16384 bytes"},
      {"x\nx\nx\nx\nx\nx\nx", "map.csv:5: expected from,to or from,to,status; and 2 more"},
  };
  for (const auto& [text, expected] : kWrong) {
    write(text);
    const std::string message = problem();
    EXPECT_NE(message.find(expected), message.npos) << text << " → " << message;
    EXPECT_TRUE(message.starts_with("cusp.toml:3:7: ")) << message;
  }
}

TEST_F(RedirectMapTest, AHundredThousandEntriesAreReadAtOnce) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += fmt::format("/old/{},/new/{}\n", i, i * 7);
  const auto start = std::chrono::steady_clock::now();
  const auto map = RedirectMap::parse(std::move(text), "map.csv", 301);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ(map->size(), 100'000u);
  EXPECT_EQ(map->find("/old/99999")->to, "/new/699993");
  EXPECT_FALSE(map->find("/old/100000"));
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
  EXPECT_LT(took, std::chrono::seconds(30)) << "what is not linear takes minutes";
}

TEST(Redirects, MistakesAreNamedWithTheirPlace) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"(from = "/a")", "needs the key 'to'"},
      {R"(to = "/a")", "needs the key 'from'"},
      {"from = \"/a\"\nto = \"//evil.example\"", "neither a path nor an http or https URL"},
      {"from = \"/a\"\nto = \"/:b\"", "':b' does not stand in 'from'"},
      {"from = \"/a\"\nto = \"/b\"\nstatus = 200", "between 300 and 399"},
      {"from = \"/a\"\nto = \"/b\"\nstatus = 304", "must be 301, 302, 303, 307 or 308"},
      {"from = \"/a\"\nto = \"/b\"\nquery = \"some\"", "\"keep\" or \"drop\""},
      {"from = \"/a\"\nto = \"/b\"\nscheme = \"ftp\"", "\"http\" or \"https\""},
      {"from = \"/a\"\nto = \"/b\"\nhost = \"a.example:80\"", "not a host name without port"},
      {"from = \"/a\"\nto = \"/b\"\nwhen = \"pth\"", "there is no field 'pth'"},
      {"from = \"/a\"\nto = \"/b\"\nfrm = \"x\"", "did you mean 'from'"},
      {"map = \"none.csv\"", "there is no file"},
      {"map = \"none.csv\"\nfrom = \"/a\"", "unknown key 'from'"},
      {"from = \"/a/*\"\nto = \"/a/b/*\"", "leads in circles"},
      {"from = \"/:a/:b\"\nto = \"/:b/:a/\"\n[[edge.redirects]]\nfrom = \"/:a/:b/\"\nto = "
       "\"/:b/:a\"",
       "leads in circles"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(fmt::format("[[edge.redirects]]\n{}", text));
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
    EXPECT_TRUE(problem.starts_with("cusp.toml:")) << problem;
  }
  EXPECT_EQ(problem_of("[[edge.redirects]]\nfrom = \"/*\"\nto = \"/closed\""), "");
  EXPECT_NE(problem_of("redirects = 5").find("must be a table or an array of tables"),
            std::string::npos);
}

}  // namespace
}  // namespace cusp::edge
