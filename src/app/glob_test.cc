#include "app/glob.h"

#include <gtest/gtest.h>

namespace cusp::app {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view path;
  bool expected;
};

void expect(Glob::Slash slash, std::initializer_list<Case> cases) {
  for (const auto& [pattern, path, expected] : cases) {
    auto glob = Glob::create(pattern, slash);
    ASSERT_TRUE(glob) << pattern;
    EXPECT_EQ(glob->matches(path), expected) << pattern << " on " << path;
  }
}

TEST(Glob, StarsStayInsideOneSegmentWhenFindingFiles) {
  expect(Glob::Slash::kOnlyLiteral, {{"*", "a.txt", true},
                                     {"*", "a/b", false},
                                     {"*.txt", ".txt", true},
                                     {"*.txt", "a.txt2", false},
                                     {"img/*.png", "img/a.png", true},
                                     {"img/*.png", "img/x/a.png", false},
                                     {"a?c", "abc", true},
                                     {"a?c", "a/c", false},
                                     {"a*b*c", "axxbyyc", true},
                                     {"a*b*c", "axxbyy", false},
                                     {"", "", true},
                                     {"", "a", false}});
}

TEST(Glob, DoubleStarsCrossAnyNumberOfSegments) {
  expect(Glob::Slash::kOnlyLiteral, {{"**/*", "a", true},
                                     {"**/*", "a/b/c", true},
                                     {"a/**/z", "a/z", true},
                                     {"a/**/z", "a/b/c/z", true},
                                     {"a/**/z", "ab/z", false},
                                     {"a/**/z", "a/bz", false},
                                     {"**/x.js", "x.js", true},
                                     {"**/x.js", "node/ax.js", false},
                                     {"a/**", "a/b/c", true},
                                     {"**/.git/**/*", "x/.git/y/z", true}});
}

TEST(Glob, SetsHoldRangesAndMayBeNegated) {
  expect(Glob::Slash::kOnlyLiteral, {{"[abc].txt", "b.txt", true},
                                     {"[a-c]", "d", false},
                                     {"[!a-c]", "d", true},
                                     {"[!a]", "/", false},
                                     {"[]]", "]", true},
                                     {"[a-]", "-", true},
                                     {"[a-]", "b", false}});
}

TEST(Glob, ExcludePatternsCrossSlashesAsInSpin) {
  expect(Glob::Slash::kAny, {{"*.secret", "a/b/c.secret", true},
                             {"secrets/*", "secrets/a/b", true},
                             {"a?b", "a/b", true},
                             {"secrets/*", "public/a", false}});
}

TEST(Glob, MalformedPatternsAreRefused) {
  for (std::string_view pattern :
       {"[", "a[", "[]", "[!", "[!]", "a**", "**b", "***", "a/**b", "/***/"}) {
    auto glob = Glob::create(pattern, Glob::Slash::kOnlyLiteral);
    ASSERT_FALSE(glob) << pattern;
    EXPECT_EQ(glob.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Glob, ManyStarsOnALongPathTakeNoExponentialTime) {
  std::string pattern, path(4000, 'a');
  for (int i = 0; i < 100; ++i) pattern += "*a";
  auto glob = Glob::create(pattern + "b", Glob::Slash::kAny);
  ASSERT_TRUE(glob);
  EXPECT_FALSE(glob->matches(path));
}

}  // namespace
}  // namespace cusp::app
