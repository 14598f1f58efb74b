#include "edge/path_pattern.h"

#include <gtest/gtest.h>

namespace cusp::edge {
namespace {

// Where `path` leads by `from` and `to`; "-" when it does not fit.
std::string led(std::string_view from, std::string_view to, std::string_view path,
                std::string_view query = "") {
  const auto pattern = PathPattern::parse(from);
  if (!pattern) return pattern.error().message;
  const auto target = TargetTemplate::parse(to, pattern->names());
  if (!target) return target.error().message;
  const auto taken = pattern->match(path);
  return taken ? target->expand(*taken, query) : "-";
}

TEST(PathPattern, HolesTakeSegmentsAndTheRest) {
  EXPECT_EQ(led("/a", "/b", "/a"), "/b");
  EXPECT_EQ(led("/a", "/b", "/a/"), "-");
  EXPECT_EQ(led("/a/", "/b", "/a/"), "/b");
  EXPECT_EQ(led("/a", "/b", "/A"), "-");
  EXPECT_EQ(led("/", "/b", "/"), "/b");
  EXPECT_EQ(led("/:x/:y", "/:y/:x", "/1/2"), "/2/1");
  EXPECT_EQ(led("/:x/:y", "/:y/:x", "/1/2/3"), "-");
  EXPECT_EQ(led("/:x/:y", "/:y/:x", "/1/"), "-");
  EXPECT_EQ(led("/a/*", "/b/*", "/a/1/2"), "/b/1/2");
  EXPECT_EQ(led("/a/*", "/b/*", "/a/"), "/b/");
  EXPECT_EQ(led("/a/*", "/b/*", "/a"), "/b/");
  EXPECT_EQ(led("/a/...", "/b/.../end", "/a/1"), "/b/1/end");
  EXPECT_EQ(led("/a/*", "/b/*", "/ab"), "-");
  EXPECT_EQ(led("/*", "/x/*", "/"), "/x/");
  EXPECT_EQ(led("/*", "/x", "*"), "-");
  EXPECT_EQ(led("/a/:8080", "/b", "/a/:8080"), "/b");
}

TEST(PathPattern, QueryAndFragmentFollowThePath) {
  EXPECT_EQ(led("/a", "/b", "/a", "x=1"), "/b?x=1");
  EXPECT_EQ(led("/a", "/b?y=2", "/a", "x=1"), "/b?y=2&x=1");
  EXPECT_EQ(led("/a", "/b#end", "/a", "x=1"), "/b?x=1#end");
  EXPECT_EQ(led("/a", "/b?y=2#end", "/a"), "/b?y=2#end");
  EXPECT_EQ(led("/a", "https://example.com", "/a", "x=1"), "https://example.com/?x=1");
  EXPECT_EQ(led("/a", "https://example.com?x", "/a"), "https://example.com/?x");
}

TEST(PathPattern, NothingThatAClientSendsLeavesThePath) {
  const std::tuple<const char*, const char*, const char*> kHostile[] = {
      {"/*", "//evil.example", "/evil.example"},
      {"/*", "///evil.example", "/evil.example"},
      {"/*", "/\\evil.example", "/%5Cevil.example"},
      {"/*", "/%2f%2fevil.example", "/%2f%2fevil.example"},
      {"/:x", "/a\r\nset-cookie:b", "/a%0D%0Aset-cookie:b"},
      {"/:x", "/a%0d%0aset-cookie:b", "/a%0d%0aset-cookie:b"},
      {"/:x", "/https:evil.example", "/https:evil.example"},
      {"/:x", "/a\"><script>", "/a%22%3E%3Cscript%3E"},
      {"/:x", "/\xff\x01", "/%FF%01"},
      {"/:x", "/a#b", "/a%23b"},
      {"/:x", "/%", "/%25"},
      {"/:x", "/%zz", "/%25zz"},
  };
  for (const auto& [to, path, expected] : kHostile) {
    const std::string from = std::string_view(to) == "/*" ? "/*" : "/:x";
    EXPECT_EQ(led(from, to, path), expected) << path;
  }
  EXPECT_EQ(led("/*", "https://example.com/*", "/@evil.example"),
            "https://example.com/@evil.example");
  EXPECT_EQ(led("/*", "https://example.com/*", "//evil"), "https://example.com/evil");
  EXPECT_EQ(led("/a", "/b", "/a", "x=\r\n#\xff"), "/b?x=%0D%0A%23%FF");
}

TEST(PathPattern, MistakesAreNamed) {
  const std::tuple<const char*, const char*, const char*> kWrong[] = {
      {"a", "/b", "'a' is not a path"},
      {"", "/b", "'' is not a path"},
      {"/a?b", "/b", "is not a path"},
      {"/*/a", "/b", "'*' stands at the end only"},
      {"/a*", "/b", "'*' must be a segment of its own"},
      {"/:a/:a", "/b", "':a' stands twice"},
      {"/a b", "/b", "has to be percent-encoded"},
      {"/a\\b", "/b", "has to be percent-encoded"},
      {"/a\n", "/b", "has to be percent-encoded"},
      {"/a", "b", "neither a path nor"},
      {"/a", "", "neither a path nor"},
      {"/a", "//evil.example", "neither a path nor"},
      {"/a", "javascript:alert(1)", "neither a path nor"},
      {"/a", "ftp://example.com/", "neither a path nor"},
      {"/a", "https:///b", "'' is not a host"},
      {"/a", "https://a@b/", "'a@b' is not a host"},
      {"/:host", "https://*/", "'*' is not a host"},
      {"/a", "/:b", "':b' does not stand in 'from'"},
      {"/a", "/*", "'*' does not stand in 'from'"},
      {"/*", "https://example.com*", "'example.com*' is not a host"},
      {"/a", "/b\r\nx: y", "has to be percent-encoded"},
  };
  for (const auto& [from, to, expected] : kWrong) {
    const std::string message = led(from, to, "/none");
    EXPECT_NE(message.find(expected), message.npos) << from << " " << to << " → " << message;
  }
}

TEST(PathPattern, DotSegmentsAreSeenThroughTheirEncodings) {
  for (const char* path : {"/..", "/a/../b", "/./a", "/a/%2e%2e/b", "/a/.%2E", "/a/%252e%252e/b",
                           "/a/..%2fb", "/a\\..\\b", "/a/..;x=1/b", "/a%5c..%5cb", "../a"}) {
    EXPECT_TRUE(has_dot_segments(path)) << path;
  }
  for (const char* path : {"/", "/a..b", "/...", "/.well-known/x", "/a/b.", "/%2e%2ea", ""}) {
    EXPECT_FALSE(has_dot_segments(path)) << path;
  }
}

}  // namespace
}  // namespace cusp::edge
