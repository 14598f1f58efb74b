#include "base/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace cusp {
namespace {

TEST(Base64, WhatIsEncodedDecodesToItself) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xff\xfe\xfd", "__79"},
  };
  for (const auto& [bytes, text] : kCases) {
    EXPECT_EQ(base64url_encode(bytes), text);
    EXPECT_EQ(base64url_decode(text), bytes);
  }
  EXPECT_EQ(base64_decode("Zm8="), "fo");
  EXPECT_EQ(base64_decode("//79"), "\xff\xfe\xfd");
}

TEST(Base64, OneTextAloneStandsForAValue) {
  for (const std::string_view text :
       {"Z", "Zg=", "Zg==", "Zh", "Zm9", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zm9vZ", "=", "Zм9v"}) {
    EXPECT_FALSE(base64url_decode(text)) << text;
  }
  for (const std::string_view text : {"Zm8", "Zm8==", "Zm9=", "Z===", "====", "Zm_v", "Zm8=Zm8="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace cusp
