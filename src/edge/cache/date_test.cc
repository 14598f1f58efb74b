#include "edge/cache/date.h"

#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

const Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);

TEST(HttpDate, AllThreeFormsMeanTheSame) {
  const auto expected = std::chrono::sys_seconds(Seconds(784111777));
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), expected);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), expected);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994", kNow), expected);
  EXPECT_EQ(format_date(expected), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDate, CaseDoesNotMatter) {
  const auto expected = parse_date("Thu, 18 Aug 2050 02:01:18 GMT", kNow);
  ASSERT_TRUE(expected);
  for (const char* text : {"THU, 18 Aug 2050 02:01:18 GMT", "Thu, 18 AUG 2050 02:01:18 gMT",
                           "thursday, 18-aug-50 02:01:18 gmt", "THU AUG 18 02:01:18 2050"}) {
    EXPECT_EQ(parse_date(text, kNow), expected) << text;
  }
}

TEST(HttpDate, AYearOfTwoDigitsIsAtMostFiftyYearsAhead) {
  EXPECT_EQ(format_date(*parse_date("Monday, 01-Jan-76 00:00:00 GMT", kNow)),
            "Wed, 01 Jan 2076 00:00:00 GMT");
  EXPECT_EQ(format_date(*parse_date("Monday, 01-Jan-77 00:00:00 GMT", kNow)),
            "Sat, 01 Jan 1977 00:00:00 GMT");
}

TEST(HttpDate, WhatIsNoDateIsNone) {
  for (const std::string& text : {std::string(),
                                  std::string("0"),
                                  std::string("-1"),
                                  std::string("now"),
                                  std::string("Thu, 18 Aug 2050 02:01:18 AEST"),
                                  std::string("Thu, 18 Aug 2050 02:01:18 UTC"),
                                  std::string("Thu 18 Aug 2050 02:01:18 GMT"),
                                  std::string("Thu, 18  Aug  2050 02:01:18 GMT"),
                                  std::string("Thu, 18-Aug-2050 02:01:18 GMT"),
                                  std::string("Thu, 18 Aug 50 02:01:18 GMT"),
                                  std::string("Thu Aug 8 02:01:18 2050"),
                                  std::string("Thu, +8 Aug 2050 02:01:18 GMT"),
                                  std::string("Thu, 18 Aug 2050 2:01:18 GMT"),
                                  std::string("Thu, 18 Aug 2050 02.01.18 GMT"),
                                  std::string("Thu, 18 Aug 2050 25:01:18 GMT"),
                                  std::string("Thu, 30 Feb 2050 02:01:18 GMT"),
                                  std::string("Thu, 00 Aug 2050 02:01:18 GMT"),
                                  std::string("Thu, 18 Aux 2050 02:01:18 GMT"),
                                  std::string("Thu, 18 Aug 20500 02:01:18 GMT"),
                                  std::string("Thu, 18 Aug 2050 02:01:18 GMT GMT"),
                                  std::string("Thu, -8 Aug 2050"),
                                  std::string("Thu, 18 Aug 2050 02:01:18 GMT\0", 30),
                                  std::string(100'000, ' ')}) {
    EXPECT_FALSE(parse_date(text, kNow)) << text;
  }
}

}  // namespace

}  // namespace cusp::edge::cache
