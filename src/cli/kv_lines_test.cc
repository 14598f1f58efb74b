#include "cli/kv_lines.h"

#include <gtest/gtest.h>

#include "cli/sql_rows.h"

namespace cusp::cli {

namespace {

namespace kv = store::kv;
namespace sql = store::sql;

TEST(KvLines, WhatIsExportedIsImportedAsItWas) {
  const kv::Time later{std::chrono::milliseconds(1'700'000'000'123)};
  for (const std::string& value : {std::string("text ü \n\""), std::string("\0\xff\xfe", 3),
                                   std::string(), std::string("\xed\xa0\x80")}) {
    const auto change =
        from_line(to_line({.value = value, .metadata = "m", .expires = later}, "a/key", true));
    ASSERT_TRUE(change) << change.error().message;
    EXPECT_EQ(change->key, "a/key");
    EXPECT_EQ(change->value, value);
    EXPECT_EQ(change->metadata, "m");
    EXPECT_EQ(change->expires, later);
  }
}

TEST(KvLines, OtherLinesAreRefused) {
  for (const char* line :
       {"", "x", "[]", "{}", R"({"key":"a"})", R"({"value":"a"})", R"({"key":1,"value":"a"})",
        R"({"key":"a","value":"a","value_base64":"YQ=="})", R"({"key":"a","value_base64":"?"})",
        R"({"key":"a","value":"a","expires":"soon"})", R"({"key":"a","value":"a","ttl":5})",
        R"({"key":"a","value":"a"} more)"}) {
    EXPECT_FALSE(from_line(line)) << line;
  }
}

TEST(SqlRows, AreShownAsTextAndAsJson) {
  const sql::Rows rows{.columns = {{"id", ""}, {"what", ""}},
                       .values = {int64_t{1}, "a\x1b[2Jb", std::monostate(), sql::Blob{"\xff"}}};
  EXPECT_EQ(rows_as_text(rows), "id    what\n1     a?[2Jb\nNULL  <1 bytes>\n");
  EXPECT_EQ(rows_as_json(rows),
            "{\"id\":1,\"what\":\"a\\u001b[2Jb\"}\n{\"id\":null,\"what\":{\"base64\":\"/w==\"}}\n");
  EXPECT_EQ(rows_as_text({.changes = 1}), "1 row changed\n");
  EXPECT_EQ(rows_as_text({}), "");
}

}  // namespace

}  // namespace cusp::cli
