#include "cli/sql_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <vector>

namespace cusp::cli {

namespace {

namespace sql = store::sql;
using Texts = std::vector<std::string>;

Texts split(const std::string& text) {
  std::istringstream in(text);
  StatementReader reader(in);
  Texts statements;
  while (true) {
    const auto one = reader.next();
    if (!one) return {"error: " + one.error().message};
    if (!*one) return statements;
    statements.push_back((*one)->substr((*one)->find_first_not_of(" \n")));
  }
}

TEST(SqlText, StatementsEndWhereSqliteSaysSo) {
  EXPECT_EQ(split("SELECT 1; SELECT 2;\nSELECT 3"), (Texts{"SELECT 1;", "SELECT 2;", "SELECT 3"}));
  EXPECT_EQ(split("SELECT ';', \"a;b\", `c;`, [d;]; SELECT 'it''s;'"),
            (Texts{"SELECT ';', \"a;b\", `c;`, [d;];", "SELECT 'it''s;'"}));
  const std::string trigger =
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM u; UPDATE t SET a = ';'; END;";
  EXPECT_EQ(split("-- a ; comment\n" + trigger), Texts{"-- a ; comment\n" + trigger});
  EXPECT_EQ(split(trigger + " SELECT 1;"), (Texts{trigger, "SELECT 1;"}));
}

TEST(SqlText, CommentsAreNoStatements) {
  EXPECT_EQ(split(""), Texts());
  EXPECT_EQ(split(" ;; ; "), Texts());
  EXPECT_EQ(split("-- only; this -- and that\n"), Texts());
  EXPECT_EQ(split("/* a; */ /*/ b */ ;-- c"), Texts());
  EXPECT_EQ(split("-- a\nSELECT 1 -- b; c\n"), (Texts{"-- a\nSELECT 1 -- b; c\n"}));
  EXPECT_EQ(split("SELECT 1 - -1/2; SELECT 2"), (Texts{"SELECT 1 - -1/2;", "SELECT 2"}));
}

TEST(SqlText, AnOpenQuoteIsAnError) {
  for (const char* text : {"SELECT 'a", "SELECT \"a;", "SELECT `", "SELECT [a'", "SELECT 'a''"}) {
    EXPECT_EQ(split(text), Texts{"error: the text ends within a statement"}) << text;
  }
}

TEST(SqlText, ManySemicolonsInALiteralTakeNoLongTime) {
  const std::string text = "INSERT INTO t VALUES('" + std::string(4'000'000, ';') + "');";
  EXPECT_EQ(split(text + text).size(), 2);
}

TEST(SqlText, LongLiteralsOfALongStatementBecomeParameters) {
  const std::string text(80'000, 'a');
  std::string quotes;
  for (int i = 0; i < 2'000; ++i) quotes += "''";
  const auto statement = with_parameters("INSERT INTO \"t'\" VALUES(1, '" + text + "', x'" + text +
                                         "', '" + quotes + "', 'short', \"c\", '', x'');");
  EXPECT_EQ(statement.text, "INSERT INTO \"t'\" VALUES(1, ?, ?, ?, 'short', \"c\", '', x'');");
  ASSERT_EQ(statement.parameters.size(), 3);
  EXPECT_EQ(statement.parameters[0], sql::Value(text));
  EXPECT_EQ(statement.parameters[1], sql::Value(sql::Blob{std::string(40'000, '\xaa')}));
  EXPECT_EQ(statement.parameters[2], sql::Value(std::string(2'000, '\'')));
  EXPECT_TRUE(with_parameters("SELECT '" + text + "'").parameters.empty()) << "it is short enough";
}

TEST(SqlText, WhatIsNoLiteralStaysAsItIs) {
  const std::string text(120'000, 'q');
  const std::string wholes[] = {
      "SELECT 1 -- '" + text + "'",
      "SELECT \"" + text + "'" + text + "'\"",
      "SELECT x'" + text + "'",
      "SELECT '" + text,
      "/* '" + text + "' */ SELECT 1",
      text + "'",
      text + "''",
      text + "'''",
  };
  for (const std::string& whole : wholes) {
    const auto statement = with_parameters(whole);
    EXPECT_TRUE(statement.text == whole) << whole.substr(0, 20);
    EXPECT_TRUE(statement.parameters.empty());
  }
}

TEST(SqlText, LiteralsAreTheValuesThatTheyWereMadeOf) {
  EXPECT_EQ(literal({}), "NULL");
  EXPECT_EQ(literal(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(literal(0.1), "0.10000000000000001");
  EXPECT_EQ(literal(3.0), "3.0");
  EXPECT_EQ(literal(1e300), "1.0000000000000001e+300");
  EXPECT_EQ(literal(-std::numeric_limits<double>::infinity()), "-9e999");
  EXPECT_EQ(literal(std::string("it's")), "'it''s'");
  EXPECT_EQ(literal(std::string("a\0b", 3)), "CAST(x'610062' AS TEXT)");
  EXPECT_EQ(literal(sql::Blob{std::string("\0\xff", 2)}), "x'00ff'");
  EXPECT_EQ(quoted_name("a\"b"), "\"a\"\"b\"");
}

}  // namespace

}  // namespace cusp::cli
