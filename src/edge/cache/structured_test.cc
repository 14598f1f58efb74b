#include "edge/cache/structured.h"

#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

TEST(StructuredFields, ADictionaryHasItemsOfAllTypes) {
  const auto read =
      parse_dictionary(R"(a=1, b="x\"y", c, d=tok/en;p=1, e=:aGk=:, f=(1 "2");q, g=-1.5)");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 7U);
  EXPECT_EQ((*read)[0].second.integer, 1);
  EXPECT_EQ((*read)[1].second.text, "x\"y");
  EXPECT_EQ((*read)[2].second.type, ItemType::kBoolean);
  EXPECT_EQ((*read)[3].second.text, "tok/en");
  EXPECT_EQ((*read)[4].second.type, ItemType::kBytes);
  EXPECT_EQ((*read)[5].second.type, ItemType::kInnerList);
  EXPECT_EQ((*read)[6].second.type, ItemType::kDecimal);
}

TEST(StructuredFields, TheLastOfTwoSameKeysCounts) {
  const auto read = parse_dictionary("a=1, b, a=2");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->back().first, "a");
  EXPECT_EQ(read->back().second.integer, 2);
}

TEST(StructuredFields, WhatIsNotValidIsNothing) {
  for (const char* text :
       {"A=1",       "a=",   "a=1,",    ",a",    "a=1 b", "a==1", "a=\"x",    "a=\"\x01\"",
        "a=\"\\x\"", "a=(1", "a=(1,2)", "a=?2",  "a=:a",  "a=1.", "a=1.2345", "a=1234567890123456",
        "a=--1",     "a;=1", "1=a",     "a\t=1", "a=1\n"}) {
    EXPECT_FALSE(parse_dictionary(text)) << text;
  }
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "k" + std::to_string(i) + ",";
  EXPECT_FALSE(parse_dictionary(many + "k"));
  EXPECT_TRUE(parse_dictionary("")->empty());
}

TEST(StructuredFields, AStringEscapesWhatItMust) {
  EXPECT_EQ(structured_string("a\"b\\c\r\n\x80"), "\"a\\\"b\\\\c???\"");
}

}  // namespace

}  // namespace cusp::edge::cache
