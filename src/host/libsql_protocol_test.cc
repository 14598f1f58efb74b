#include "host/libsql_protocol.h"

#include <gmock/gmock.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace cusp::host {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
namespace sql = store::sql;

// An answer with `result` for the statement.
std::string answer_of(const std::string& outcome, std::string_view autocommit = "true") {
  return R"({"baton":"b1","base_url":null,"results":[)" + outcome +
         R"(,{"type":"ok","response":{"type":"get_autocommit","is_autocommit":)" +
         std::string(autocommit) + "}}]}";
}

std::string executed(const std::string& result) {
  return R"({"type":"ok","response":{"type":"execute","result":)" + result + "}}";
}

TEST(LibsqlProtocol, ARequestCarriesTheStatementItsValuesAndTheBaton) {
  const sql::Statement statement{
      .text = "SELECT ?",
      .parameters = {int64_t{-7}, 0.5, std::string("x"), sql::Blob{"\xff"}, std::monostate()}};
  const json first = json::parse(*libsql_request(statement, ""));
  EXPECT_TRUE(first["baton"].is_null());
  EXPECT_EQ(first["requests"].size(), 2u);
  EXPECT_EQ(first["requests"][0]["stmt"]["args"], json::parse(R"([
      {"type":"integer","value":"-7"}, {"type":"float","value":0.5}, {"type":"text","value":"x"},
      {"type":"blob","base64":"/w=="}, {"type":"null"}])"));
  EXPECT_EQ(json::parse(*libsql_request(statement, "b\"1"))["baton"], "b\"1");
}

TEST(LibsqlProtocol, AStatementBeyondTheLimitsIsNotSent) {
  const auto message = [](sql::Statement statement) {
    const auto request = libsql_request(statement, "");
    return request ? "" : request.error().message;
  };
  EXPECT_THAT(message({.text = std::string(limits::kSqlTextBytesMax + 1, ' ')}),
              HasSubstr("bytes at most"));
  EXPECT_THAT(message({.text = "x", .parameters = std::vector<sql::Value>(101)}),
              HasSubstr("100 parameters at most"));
  EXPECT_THAT(
      message({.text = "x", .parameters = {std::string(limits::kSqlValueBytesMax, 'x'), "y"}}),
      HasSubstr("bytes at most"));
  EXPECT_THAT(message({.text = "x", .parameters = {-std::numeric_limits<double>::infinity()}}),
              HasSubstr("no infinite numbers"));
}

TEST(LibsqlProtocol, AnAnswerIsReadWithItsColumnsRowsAndCounts) {
  const auto answer = read_libsql_answer(
      answer_of(executed(R"({"cols":[{"name":"a","decltype":"INT"},{"name":null}],
          "rows":[[{"type":"integer","value":"1"},{"type":"null"}],
                  [{"type":"float","value":2},{"type":"blob","base64":"AAE"}]],
          "affected_row_count":3,"last_insert_rowid":"-9"})"),
                "false"),
      {});
  ASSERT_TRUE(answer && answer->rows);
  EXPECT_EQ(answer->baton, "b1");
  EXPECT_TRUE(answer->in_transaction);
  EXPECT_EQ(answer->insert_rowid, -9);
  const sql::Rows& rows = *answer->rows;
  EXPECT_EQ(rows.changes, 3u);
  EXPECT_EQ(rows.columns, (std::vector<sql::Column>{{"a", "INT"}, {"", ""}}));
  const std::vector<sql::Value> values{int64_t{1}, std::monostate(), 2.0,
                                       sql::Blob{std::string("\0\1", 2)}};
  EXPECT_EQ(rows.values, values);
}

TEST(LibsqlProtocol, AnErrorHasTheServersWordsAndOneOfAFullDatabaseOurs) {
  const auto error = [](const std::string& text) {
    const auto answer =
        read_libsql_answer(answer_of(R"({"type":"error","error":)" + text + "}"), {});
    return answer && !answer->rows ? answer->rows.error() : Error{};
  };
  EXPECT_EQ(error(R"({"message":"no such table: x","code":"SQLITE_ERROR"})").message,
            "no such table: x");
  EXPECT_EQ(error(R"({"message":"any","code":"SQLITE_FULL"})").message, sql::kFull);
  EXPECT_EQ(error("7").message, "the libSQL server gives no reason");
  // A cut does not go through a character.
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) umlauts += "ü";
  EXPECT_EQ(error(R"({"message":")" + umlauts + "\"}").message.size(), 1023u);
}

TEST(LibsqlProtocol, WhatIsNoAnswerIsAnError) {
  const std::string empty = R"({"cols":[],"rows":[],"affected_row_count":0})";
  EXPECT_TRUE(read_libsql_answer(answer_of(executed(empty)), {})->rows);
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string(R"({"results":[]})"),
        std::string(R"({"results":[1,2]})"), answer_of(executed(empty), "0")}) {
    EXPECT_FALSE(read_libsql_answer(text, {})) << text;
  }
  for (const char* result :
       {"null", "[]", R"({"cols":[],"rows":[],"affected_row_count":-1})",
        R"({"cols":[],"rows":[[{"type":"null"}]],"affected_row_count":0})",
        R"({"cols":[{}],"rows":[[]],"affected_row_count":0})",
        R"({"cols":[{}],"rows":[[{"type":"integer","value":"9223372036854775808"}]],
            "affected_row_count":0})",
        R"({"cols":[{}],"rows":[[{"type":"integer","value":1}]],"affected_row_count":0})",
        R"({"cols":[{}],"rows":[[{"type":"blob","base64":"=!"}]],"affected_row_count":0})",
        R"({"cols":[{}],"rows":[[{"type":"date","value":"x"}]],"affected_row_count":0})",
        R"({"cols":[{}],"rows":[["x"]],"affected_row_count":0})"}) {
    const auto answer = read_libsql_answer(answer_of(executed(result)), {});
    ASSERT_TRUE(answer) << result;
    ASSERT_FALSE(answer->rows) << result;
    EXPECT_THAT(answer->rows.error().message, HasSubstr("does not speak Hrana 3")) << result;
  }
}

TEST(LibsqlProtocol, RowsAndBytesAreBounded) {
  const std::string three = executed(R"({"cols":[{}],"rows":[[{"type":"text","value":"xxxx"}],
      [{"type":"text","value":"xxxx"}],[{"type":"text","value":"xxxx"}]],"affected_row_count":0})");
  EXPECT_TRUE(read_libsql_answer(answer_of(three), {.rows_max = 3})->rows);
  EXPECT_EQ(read_libsql_answer(answer_of(three), {.rows_max = 2})->rows.error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(read_libsql_answer(answer_of(three), {.result_bytes_max = 11})->rows.error().code,
            ErrorCode::kResourceExhausted);
}

TEST(LibsqlProtocol, ARefusalSaysWhetherTheStreamWasGivenUp) {
  const auto expired = read_libsql_refusal(400, R"({"message":"old","code":"STREAM_EXPIRED"})");
  EXPECT_TRUE(expired.expired);
  EXPECT_EQ(expired.message, "the libSQL server answers 400: old");
  EXPECT_FALSE(read_libsql_refusal(400, R"({"code":7})").expired);
  EXPECT_FALSE(read_libsql_refusal(500, R"({"code":"STREAM_EXPIRED"})").expired);
  EXPECT_EQ(read_libsql_refusal(502, "<html>").message, "the libSQL server answers 502");
}

}  // namespace
}  // namespace cusp::host
