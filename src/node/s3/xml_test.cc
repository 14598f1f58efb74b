#include "node/s3/xml.h"

#include <gtest/gtest.h>

namespace cusp::node::s3 {

namespace {

TEST(S3Xml, IsReadWithAndWithoutANamespace) {
  for (const char* text :
       {"<?xml version=\"1.0\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Object><Key>a&amp;b &#x1F600;</Key></Object><Quiet>true</Quiet></Delete>",
        "<Delete><Object>\n<Key>a&amp;b &#x1F600;</Key></Object><Quiet>true</Quiet></Delete>",
        "<x:Delete xmlns:x='y'><x:Object><x:Key>a<![CDATA[&]]>b &#x1F600;</x:Key></x:Object>"
        "<Quiet>true</Quiet></x:Delete>"}) {
    const auto document = parse_xml(text);
    ASSERT_TRUE(document) << text;
    EXPECT_EQ(document->name, "Delete");
    EXPECT_EQ(document->child("Object")->child_text("Key"), "a&b \xF0\x9F\x98\x80");
    EXPECT_EQ(document->child_text("Quiet"), "true");
    EXPECT_EQ(document->child("Other"), nullptr);
    EXPECT_EQ(document->child_text("Other"), "");
  }
}

TEST(S3Xml, ThatIsNoneOrWouldExplodeIsRefused) {
  std::string many = "<a>";
  for (int at = 0; at < 50'000; ++at) many += "<b/>";
  std::string deep;
  for (int at = 0; at < 10; ++at) deep += "<a>";
  for (int at = 0; at < 10; ++at) deep += "</a>";
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a/><b/>"), std::string("<a>&b;</a>"), std::string("<a>\xFF</a>"),
        std::string("<!DOCTYPE a><a/>"), std::string("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"),
        std::string("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), std::string("<a>\0</a>", 8),
        many + "</a>", deep}) {
    EXPECT_FALSE(parse_xml(text)) << text.substr(0, 40);
  }
}

TEST(S3Xml, WhatIsWrittenIsReadAgain) {
  XmlWriter xml;
  xml.open_root("List");
  xml.element("Key", "<a> & \"b\" 'c' \xC3\xA4");
  xml.element("Size", uint64_t{18'446'744'073'709'551'615U});
  xml.close("List");
  const auto document = parse_xml(xml.take());
  ASSERT_TRUE(document);
  EXPECT_EQ(document->child_text("Key"), "<a> & \"b\" 'c' \xC3\xA4");
  EXPECT_EQ(document->child_text("Size"), "18446744073709551615");
}

}  // namespace

}  // namespace cusp::node::s3
