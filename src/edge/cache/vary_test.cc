#include "edge/cache/vary.h"

#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

using List = std::initializer_list<std::pair<std::string_view, std::string_view>>;

http::Fields fields(List list) {
  http::Fields out;
  for (const auto& [name, value] : list) out.add(name, value);
  return out;
}

bool reused(std::string_view vary, List stored, List presented) {
  const auto variance = variance_of(fields(stored), fields({{"vary", vary}}));
  return variance && variance->matches(fields(presented));
}

TEST(Vary, EveryNamedFieldHasToBeTheSame) {
  EXPECT_TRUE(reused("Foo, BAR", {{"foo", "1"}, {"other", "2"}}, {{"foo", "1"}, {"other", "3"}}));
  EXPECT_FALSE(reused("foo", {{"foo", "1"}}, {{"foo", "2"}}));
  EXPECT_FALSE(reused("foo", {{"foo", "1"}}, {}));
  EXPECT_FALSE(reused("foo", {}, {{"foo", "1"}}));
  EXPECT_FALSE(reused("foo", {}, {{"foo", ""}}));
  EXPECT_FALSE(reused("foo, bar", {{"foo", "1"}}, {{"bar", "1"}}));
}

TEST(Vary, AStarAnywhereMatchesNothing) {
  for (const char* vary : {"*", "*, *", ", *", "foo, *", "*,foo"})
    EXPECT_FALSE(variance_of({}, fields({{"vary", vary}}))) << vary;
  EXPECT_FALSE(variance_of({}, fields({{"vary", ""}, {"vary", "*"}})));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "x" + std::to_string(i) + ",";
  EXPECT_FALSE(variance_of({}, fields({{"vary", many}})));
  EXPECT_TRUE(variance_of({}, fields({{"vary", ",,"}}))->choices.empty());
}

TEST(Vary, LinesAndWhiteSpaceDoNotMatter) {
  EXPECT_TRUE(reused("foo", {{"foo", "1, 2"}}, {{"foo", "1"}, {"foo", "2"}}));
  EXPECT_TRUE(reused("foo", {{"foo", "1,2"}}, {{"foo", " 1 ,  2 "}}));
  EXPECT_FALSE(reused("foo", {{"foo", "1,2"}}, {{"foo", "2,1"}}));
  EXPECT_FALSE(reused("foo", {{"foo", "\"1, 2\""}}, {{"foo", "\"1,2\""}}));
  EXPECT_FALSE(reused("foo", {{"foo", "a"}}, {{"foo", "A"}}));
}

TEST(Vary, LanguagesAreComparedWithoutOrderAndCase) {
  EXPECT_TRUE(
      reused("accept-language", {{"accept-language", "en, de"}}, {{"accept-language", "De,  eN"}}));
  EXPECT_FALSE(
      reused("accept-language", {{"accept-language", "en, de"}}, {{"accept-language", "en"}}));
}

TEST(Vary, WhoLikesTheStoredLanguageBestGetsIt) {
  const auto stored =
      variance_of(fields({{"accept-language", "en, de"}}),
                  fields({{"vary", "accept-language"}, {"content-language", "DE"}}));
  ASSERT_TRUE(stored);
  EXPECT_TRUE(stored->matches(fields({{"accept-language", "fr;q=0.5, de;q=1.0"}})));
  EXPECT_FALSE(stored->matches(fields({{"accept-language", "fr, de;q=0.9"}})));
  EXPECT_FALSE(stored->matches(fields({{"accept-language", "fr, de"}})));
  EXPECT_FALSE(stored->matches(fields({{"accept-language", "de;q=2"}})));
  EXPECT_FALSE(stored->matches(fields({{"accept-language", "*"}})));
  EXPECT_FALSE(stored->matches(fields({{"accept-language", "de;q=0"}})));
  EXPECT_FALSE(stored->matches(fields({})));
}

}  // namespace

}  // namespace cusp::edge::cache
