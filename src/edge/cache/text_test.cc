#include "edge/cache/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

using ::testing::ElementsAre;

TEST(Text, MembersEndAtCommasOutsideOfQuotes) {
  std::string_view list = R"( a , "b,\"c",, d)";
  EXPECT_EQ(take_member(list), "a");
  EXPECT_EQ(take_member(list), R"("b,\"c")");
  EXPECT_EQ(take_member(list), "");
  EXPECT_EQ(take_member(list), "d");
  EXPECT_TRUE(list.empty());
  for (std::string_view open : {"\"a, b", "a\\", "\"\\"}) {
    take_member(open);
    EXPECT_TRUE(open.empty());
  }
  EXPECT_THAT(lower_members("A,, b ,C", 2), ElementsAre("a", "b"));
}

TEST(Text, QuotesAreTakenOffInPairs) {
  EXPECT_EQ(unquote(R"("a\"b\\")"), R"(a"b\)");
  EXPECT_EQ(unquote("a"), "a");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(unquote("\"a"), "\"a");
  EXPECT_EQ(unquote(""), "");
}

TEST(Text, WildcardsStandForAnything) {
  EXPECT_TRUE(matches_wildcard("utm_*", "utm_source"));
  EXPECT_TRUE(matches_wildcard("*", ""));
  EXPECT_TRUE(matches_wildcard("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches_wildcard("a*b", "abc"));
  EXPECT_FALSE(matches_wildcard("", "a"));
  EXPECT_FALSE(matches_wildcard("utm", "utm_"));
  // Would take for ever with a look at every way to share the text out.
  EXPECT_FALSE(matches_wildcard("*a*a*a*a*a*a*a*a*b", std::string(10'000, 'a')));
}

}  // namespace

}  // namespace cusp::edge::cache
