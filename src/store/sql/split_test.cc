#include "store/sql/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace cusp::store::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> split(std::string_view text) {
  const auto statements = split_statements(text);
  return statements ? *statements : std::vector<std::string>{"error"};
}

TEST(SplitStatements, EndAtTheirSemicolons) {
  EXPECT_THAT(split("SELECT 1; SELECT 2"), ElementsAre("SELECT 1;", " SELECT 2"));
  EXPECT_THAT(split("SELECT 1;;; -- no more\n;/* none */"), ElementsAre("SELECT 1;"));
  EXPECT_THAT(split(" \n"), IsEmpty());
  EXPECT_THAT(split("SELECT ';', \";\", `;`, [;] -- ;\n /* ; */;SELECT 2;"),
              ElementsAre("SELECT ';', \";\", `;`, [;] -- ;\n /* ; */;", "SELECT 2;"));
  EXPECT_THAT(split("SELECT 'it''s; so'; SELECT 2 -- the end"),
              ElementsAre("SELECT 'it''s; so';", " SELECT 2 -- the end"));
}

TEST(SplitStatements, ATriggerEndsWithItsEnd) {
  const std::string trigger =
      "CREATE TEMP TRIGGER a AFTER INSERT ON t BEGIN UPDATE t SET a = CASE WHEN 1 THEN 2 END; "
      "DELETE FROM t; END;";
  EXPECT_THAT(split(trigger + "SELECT 1;"), ElementsAre(trigger, "SELECT 1;"));
  EXPECT_THAT(split("EXPLAIN " + trigger), ElementsAre("EXPLAIN " + trigger));
  EXPECT_THAT(split("create table trigger_of (a); END;"),
              ElementsAre("create table trigger_of (a);", " END;"));
  EXPECT_THAT(split("CREATE TRIGGER a BEGIN SELECT 1;"), ElementsAre("error"));
}

TEST(SplitStatements, WhatNeverEndsIsAnError) {
  for (const std::string_view text : {"SELECT 'a", "SELECT \"a;", "SELECT 1 /* a;", "SELECT [a;"}) {
    EXPECT_THAT(split(text), ElementsAre("error")) << text;
  }
}

TEST(SplitStatements, TakesTimeInProportionToTheText) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(split("'" + std::string(4'000'000, ';')), ElementsAre("error"));
  EXPECT_EQ(split("CREATE TRIGGER a " + std::string(4'000'000, ';') + "END;").size(), 1u);
  EXPECT_EQ(split(std::string(1'000'000, '-') + "\n").size(), 0u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace cusp::store::sql
