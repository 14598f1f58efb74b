#include "app/routes.h"

#include <gtest/gtest.h>

namespace cusp::app {
namespace {

std::vector<Route> routes_of(std::initializer_list<const char*> patterns) {
  std::vector<Route> routes;
  for (const char* pattern : patterns) {
    routes.push_back({.pattern = pattern,
                      .component = pattern,
                      .place = "spin.toml:" + std::to_string(routes.size() + 1) + ":1"});
  }
  return routes;
}

struct Expected {
  std::string_view path;
  std::string_view pattern;  // empty: nothing matches
  std::string_view path_info = {};
};

void expect_matches(std::initializer_list<const char*> patterns,
                    std::initializer_list<Expected> cases) {
  auto routes = routes_of(patterns);
  auto router = Router::create(routes);
  ASSERT_TRUE(router) << router.error().to_string();
  for (const Expected& expected : cases) {
    auto match = router->match(expected.path);
    ASSERT_EQ(match.has_value(), !expected.pattern.empty()) << expected.path;
    if (!match) continue;
    EXPECT_EQ(match->route->pattern, expected.pattern) << expected.path;
    EXPECT_EQ(match->path_info, expected.path_info) << expected.path;
  }
}

TEST(Router, ExactRoutesMatchWithAndWithoutATrailingSlash) {
  expect_matches({"/", "/foo", "/foo/bar"}, {{"/", "/"},
                                             {"", "/"},
                                             {"/foo", "/foo"},
                                             {"/foo/", "/foo"},
                                             {"/foo/bar", "/foo/bar"},
                                             {"//foo//", "/foo"},
                                             {"/foobar", ""},
                                             {"/fo", ""},
                                             {"/foo/bar/baz", ""},
                                             {"/foo//bar", ""},
                                             {"/FOO", ""}});
}

TEST(Router, AWildcardMatchesItsPrefixAndEverythingBelow) {
  expect_matches({"/a/..."}, {{"/a", "/a/...", ""},
                              {"/a/", "/a/...", "/"},
                              {"/a/b", "/a/...", "/b"},
                              {"/a/b/", "/a/...", "/b/"},
                              {"/a//b", "/a/...", "//b"},
                              {"/ab", ""},
                              {"/", ""}});
  expect_matches({"/..."}, {{"/", "/...", "/"}, {"", "/...", ""}, {"/x/y", "/...", "/x/y"}});
  expect_matches({"/a/*"}, {{"/a/b", "/a/*", "/b"}});
}

TEST(Router, ExactBeatsParameterBeatsWildcard) {
  expect_matches({"/...", "/:x", "/hello", "/hey/:world", "/hey/earth", "/:greeting/:world/..."},
                 {{"/hello", "/hello"},
                  {"/other", "/:x"},
                  {"/hey/earth", "/hey/earth"},
                  {"/hey/mars", "/hey/:world"},
                  {"/hey/mars/x", "/:greeting/:world/...", "/x"},
                  {"/", "/...", "/"}});
}

TEST(Router, TheLongestLiteralPrefixWinsInWhateverOrder) {
  expect_matches({"/one/...", "/one/two/three/...", "/one/two/..."},
                 {{"/one/two/three/four", "/one/two/three/...", "/four"},
                  {"/one/two/x", "/one/two/...", "/x"},
                  {"/one/x", "/one/...", "/x"}});
}

TEST(Router, ADeadEndFallsBackToTheNextBestRoute) {
  expect_matches({"/a/b/c", "/a/:x/d", "/:y/b/e", "/..."}, {{"/a/b/c", "/a/b/c"},
                                                            {"/a/b/d", "/a/:x/d"},
                                                            {"/a/b/e", "/:y/b/e"},
                                                            {"/a/b/f", "/...", "/a/b/f"}});
}

TEST(Router, ParametersCaptureUndecodedText) {
  auto routes = routes_of({"/users/:id/posts/:post", "/files/:name.:ext", "/files/:name",
                           "/report.:year", "/w/:x/..."});
  auto router = Router::create(routes);
  ASSERT_TRUE(router);
  using Params = std::vector<std::pair<std::string, std::string>>;
  struct Case {
    std::string_view path;
    Params params;
  };
  for (const auto& [path, params] : {Case{"/users/a%2Fb/posts/7", {{"id", "a%2Fb"}, {"post", "7"}}},
                                     {"/files/logo.tar.gz", {{"name", "logo"}, {"ext", "tar.gz"}}},
                                     {"/files/readme", {{"name", "readme"}}},
                                     {"/report.2026", {{"year", "2026"}}},
                                     {"/w/1/2/3", {{"x", "1"}}}}) {
    auto match = router->match(path);
    ASSERT_TRUE(match) << path;
    EXPECT_EQ(match->params, params) << path;
  }
  EXPECT_FALSE(router->match("/users//posts"));
}

TEST(Router, PrivateRoutesNeverMatch) {
  std::vector<Route> routes{{.is_private = true, .component = "hidden"}};
  auto router = Router::create(routes);
  ASSERT_TRUE(router);
  EXPECT_FALSE(router->match("/"));
  EXPECT_FALSE(router->match("/hidden"));
}

TEST(Router, MalformedPatternsAreRefusedWithTheirPlace) {
  for (const char* pattern :
       {"/a/.../b", "/*/b", "/*name", "/:", "/a/:/b", "/a...", "/:x/:x", "/:a.:a"}) {
    auto routes = routes_of({"/ok", pattern});
    auto router = Router::create(routes);
    ASSERT_FALSE(router) << pattern;
    EXPECT_EQ(router.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(router.error().context, "spin.toml:2:1");
    EXPECT_NE(router.error().message.find(pattern), std::string::npos);
  }
}

TEST(Router, TwoRoutesOfOneShapeAreRefusedNamingBoth) {
  struct Case {
    const char* first;
    const char* second;
  };
  for (auto [first, second] : {Case{"/a", "/a/"},
                               {"/a", "a"},
                               {"/:x", "/:y"},
                               {"/...", "/*"},
                               {"/a//b", "/a/b"},
                               {"/:a.json", "/:b.json"}}) {
    auto routes = routes_of({first, second});
    auto router = Router::create(routes);
    ASSERT_FALSE(router) << first << " " << second;
    EXPECT_EQ(router.error().context, "spin.toml:2:1");
    EXPECT_NE(router.error().message.find("spin.toml:1:1"), std::string::npos);
  }
}

TEST(Router, ADeepPathIsMatchedWithoutDeepRecursion) {
  auto routes = routes_of({"/a/...", "/:x/..."});
  auto router = Router::create(routes);
  ASSERT_TRUE(router);
  std::string path;
  for (int i = 0; i < 100'000; ++i) path += "/a";
  auto match = router->match(path);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->route->pattern, "/a/...");
  EXPECT_EQ(match->path_info.size(), path.size() - 2);
}

}  // namespace
}  // namespace cusp::app
