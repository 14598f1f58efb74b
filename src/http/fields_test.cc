#include "http/fields.h"

#include <gtest/gtest.h>

namespace cusp::http {
namespace {

TEST(Fields, NamesAreLowerCaseAndOrderIsKept) {
  Fields fields;
  fields.add("X-One", "1");
  fields.add("x-two", "2");
  fields.add("X-ONE", "3");
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].name, "x-one");
  EXPECT_EQ(fields[2].value, "3");
  EXPECT_EQ(fields.get("x-one"), "1");
  EXPECT_EQ(fields.get_all("x-one"), "1, 3");
  EXPECT_EQ(fields.count("x-one"), 2u);
  EXPECT_EQ(fields.byte_size(), 18u);
}

TEST(Fields, AnAbsentNameIsNothing) {
  Fields fields;
  fields.add("a", "");
  EXPECT_EQ(fields.get("a"), "");
  EXPECT_EQ(fields.get("b"), std::nullopt);
  EXPECT_EQ(fields.get_all("b"), std::nullopt);
  EXPECT_EQ(fields.remove("b"), 0u);
}

TEST(Fields, SetReplacesEveryFieldOfTheName) {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.add("a", "3");
  fields.set("A", *fields.get("b"));  // a view into the same object
  EXPECT_EQ(fields.count("a"), 1u);
  EXPECT_EQ(fields.get("a"), "2");
  EXPECT_EQ(fields.size(), 2u);
}

TEST(Fields, RemoveTakesAllOfOneNameAndNothingElse) {
  Fields fields;
  fields.add("a", "1");
  fields.add("ab", "2");
  fields.add("a", "3");
  EXPECT_EQ(fields.remove("a"), 2u);
  EXPECT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields[0].name, "ab");
}

TEST(Fields, TheLastOneCanBeTakenBack) {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.remove_last();
  fields.add("c", "3");
  EXPECT_EQ(fields.get("b"), std::nullopt);
  EXPECT_EQ(fields[1].name, "c");
  fields.clear();
  EXPECT_TRUE(fields.empty());
}

TEST(Fields, TryAddRefusesWhatCouldSplitAMessage) {
  Fields fields;
  fields.add("keep", "me");
  for (const std::string_view value : {"a\r\nb: c", "a\nb", "a\rb", " a", "a ", "\ta", "a\x7f"}) {
    EXPECT_FALSE(fields.try_add("x", value)) << value;
  }
  EXPECT_FALSE(fields.try_add("x", std::string_view("a\0b", 3)));
  for (const std::string_view name : {"", "a b", "a:", "a\r", "(a)", "\xc3\xa9", "a\n"}) {
    EXPECT_FALSE(fields.try_add(name, "v")) << name;
  }
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields.byte_size(), 6u);
  EXPECT_TRUE(fields.try_add("X-Good", "a b\tc \xc3\xa9"));
  EXPECT_EQ(fields.get("x-good"), "a b\tc \xc3\xa9");
}

TEST(Fields, EveryByteOfAValueIsJudgedAtEveryPlace) {
  for (int c = 0; c < 256; ++c) {
    for (size_t at = 1; at < 20; ++at) {
      std::string value(21, 'v');
      value[at] = static_cast<char>(c);
      const bool good = (c >= 0x20 && c != 0x7f) || c == '\t';
      EXPECT_EQ(valid_field_value(value), good) << c << " at " << at;
    }
  }
}

TEST(Fields, EveryByteOfANameIsJudged) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool token = std::isalnum(c) && c < 128;
    const bool mark = c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string::npos;
    EXPECT_EQ(valid_field_name(std::string_view(&byte, 1)), token || mark) << c;
  }
}

}  // namespace
}  // namespace cusp::http
