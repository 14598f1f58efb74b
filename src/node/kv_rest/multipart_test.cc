#include "node/kv_rest/multipart.h"

#include <gtest/gtest.h>

namespace cusp::node::kv_rest {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=xyz";

std::string part(const std::string& name, const std::string& value) {
  return "--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

TEST(ParseForm, FieldsHaveTheirBytes) {
  const std::string value = std::string("a\r\n--xy\r\n\0b", 10) + "\r\n";
  const auto form =
      parse_form(kType, part("value", value) + part("metadata", "{}") + "--xyz--\r\n");
  ASSERT_TRUE(form) << form.error().message;
  EXPECT_EQ(form->at("value"), value);
  EXPECT_EQ(form->at("metadata"), "{}");
}

TEST(ParseForm, HeadsAreReadAsTheStandardHasThem) {
  const auto form = parse_form(
      "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"",
      "ignored\r\n--a b\r\nContent-Type: text/plain\r\ncontent-disposition:form-data;name=value; "
      "filename=\"name=x\"\r\n\r\n1\r\n--a b--");
  ASSERT_TRUE(form) << form.error().message;
  EXPECT_EQ(form->at("value"), "1");
}

TEST(ParseForm, WhatIsNoFormIsRefused) {
  std::string many;
  for (size_t i = 0; i <= kPartsMax; ++i) many += part(std::to_string(i), "x");
  for (const std::string& body :
       {std::string(), std::string("--xyz"), std::string("--xyz--x"), std::string("x"),
        part("a", "1"), part("", "1") + "--xyz--", part("a", "1") + part("a", "2") + "--xyz--",
        std::string("--xyz\r\nno end of head\r\n--xyz--"),
        std::string("--xyz\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xyz--"),
        many + "--xyz--"}) {
    const auto form = parse_form(kType, body);
    EXPECT_TRUE(!form || form->empty()) << body;
  }
  for (const std::string_view type : {"multipart/form-data", "multipart/form-data; boundary=",
                                      "multipart/form-data; xboundary=xyz", ""}) {
    EXPECT_FALSE(parse_form(type, part("a", "1") + "--xyz--")) << type;
  }
}

}  // namespace
}  // namespace cusp::node::kv_rest
