#include "store/sql/hrana_value.h"

#include <gtest/gtest.h>

#include <limits>

namespace cusp::store::sql {
namespace {

using nlohmann::json;

TEST(HranaValue, EveryKindComesBackAsItWent) {
  for (const Value& value : {Value(), Value(std::numeric_limits<int64_t>::min()), Value(int64_t{0}),
                             Value(0.1), Value(std::string()), Value(std::string("a\0\"ü", 5)),
                             Value(Blob{}), Value(Blob{std::string("\0\xff\x80", 3)})}) {
    const auto back = read_hrana(json::parse(to_hrana(value).dump()));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, value);
  }
}

TEST(HranaValue, ABlobMayBePaddedOrNot) {
  for (const char* text : {"AA==", "AA=", "AA"}) {
    EXPECT_EQ(read_hrana({{"type", "blob"}, {"base64", text}}), Value(Blob{std::string(1, '\0')}));
  }
}

TEST(HranaValue, ANumberThatJsonCannotSayIsNull) {
  EXPECT_EQ(to_hrana(std::numeric_limits<double>::infinity()), (json{{"type", "null"}}));
  EXPECT_EQ(to_hrana(std::numeric_limits<double>::quiet_NaN()), (json{{"type", "null"}}));
}

TEST(HranaValue, WhatIsNoValueIsAnError) {
  for (const char* text :
       {"null", "7", "[]", "{}", R"({"type":7})", R"({"type":"date","value":"x"})",
        R"({"type":"text"})", R"({"type":"text","value":7})", R"({"type":"integer","value":7})",
        R"({"type":"integer","value":"7x"})", R"({"type":"integer","value":""})",
        R"({"type":"integer","value":"-9223372036854775809"})", R"({"type":"float"})",
        R"({"type":"float","value":"1"})", R"({"type":"blob","value":"AA"})",
        R"({"type":"blob","base64":"A"})", R"({"type":"blob","base64":"A*=="})"}) {
    const auto value = read_hrana(json::parse(text));
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace cusp::store::sql
