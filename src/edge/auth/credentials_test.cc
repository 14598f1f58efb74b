#include "edge/auth/credentials.h"

#include <gtest/gtest.h>

#include <tuple>

namespace cusp::edge {
namespace {

http::Fields fields_of(std::vector<std::pair<std::string, std::string>> list) {
  http::Fields fields;
  for (const auto& [name, value] : list) fields.add(name, value);
  return fields;
}

TEST(Credentials, ACookieIsFoundByItsWholeName) {
  const auto fields = fields_of({{"cookie", "a=1; session=x=y; b"}, {"cookie", "c=\"q\""}});
  EXPECT_EQ(find_cookie(fields, "session"), "x=y");
  EXPECT_EQ(find_cookie(fields, "c"), "q");
  for (const char* name : {"sess", "ession", "b", "SESSION", "", "x"}) {
    EXPECT_FALSE(find_cookie(fields, name)) << name;
  }
}

TEST(Credentials, ACookieIsTakenOutAndTheOthersStay) {
  auto fields = fields_of({{"cookie", "a=1; s=2; b=3;; s=4"}, {"cookie", "s=5"}});
  remove_cookie(fields, "s");
  EXPECT_EQ(fields.get_all("cookie"), "a=1; b=3");
  remove_cookie(fields, "a");
  remove_cookie(fields, "b");
  EXPECT_FALSE(fields.get("cookie"));
}

TEST(Credentials, AParameterThatComesTwiceIsNone) {
  EXPECT_EQ(find_parameter("/p?a=1&b=%2F+x", "b"), "/ x");
  EXPECT_EQ(find_parameter("/p?%61=1", "a"), "1");
  EXPECT_EQ(find_parameter("/p?a", "a"), "");
  for (const char* target :
       {"/p", "/p?", "/a=1", "/p?b=1", "/p?a=1&a=1", "/p?a=1&%61=2", "/p?aa=1"}) {
    EXPECT_FALSE(find_parameter(target, "a")) << target;
  }
}

TEST(Credentials, AParameterIsTakenOutHoweverItIsWritten) {
  const std::tuple<const char*, const char*> kCases[] = {
      {"/p?a=1", "/p"},       {"/p?a=1&b=2", "/p?b=2"},
      {"/p?b=2&a", "/p?b=2"}, {"/p?%61=1&b&a=2", "/p?b"},
      {"/p", "/p"},           {"/p?b=a", "/p?b=a"},
  };
  for (const auto& [target, expected] : kCases) {
    EXPECT_EQ(without_parameter(target, "a"), expected);
  }
}

TEST(Credentials, AnAuthorizationIsOneAndOfItsScheme) {
  EXPECT_EQ(authorization(fields_of({{"authorization", "bEARER  abc"}}), "bearer"), "abc");
  for (const char* value : {"Bearer", "abc", "Bearerabc", "Basic abc", ""}) {
    EXPECT_FALSE(authorization(fields_of({{"authorization", value}}), "bearer")) << value;
  }
  const auto twice = fields_of({{"authorization", "Bearer a"}, {"authorization", "Bearer a"}});
  EXPECT_FALSE(authorization(twice, "bearer"));
}

TEST(Credentials, ForgedFieldsGoInEverySpellingThatScriptsCannotTellApart) {
  auto fields = fields_of({{"x-user", "1"}, {"X_USER", "2"}, {"x-user", "3"}, {"x-users", "4"}});
  const TrustedField field("x-user");
  field.remove_forged(fields);
  EXPECT_EQ(fields.size(), 1u);
  field.set(fields, "a\r\nset-cookie: b");
  EXPECT_EQ(fields.size(), 1u);
  field.set(fields, "alice");
  EXPECT_EQ(fields.get_all("x-user"), "alice");
}

TEST(Credentials, WhatIsQuotedEndsWhereItEnds) {
  EXPECT_EQ(quoted_string("a\"b\\c"), "\"a\\\"b\\\\c\"");
}

}  // namespace
}  // namespace cusp::edge
