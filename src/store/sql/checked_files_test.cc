#include "store/sql/checked_files.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include <fmt/format.h>

#include "base/file.h"
#include "store/sql/database.h"
#include "store/test_loop.h"

namespace cusp::store::sql {
namespace {

constexpr size_t kPageBytes = 4096;

class CheckedFilesTest : public ::testing::Test {
 protected:
  ~CheckedFilesTest() override { pool.stop(); }

  // What SQLite alone writes: no page has a checksum.
  void write_plainly(const std::string& statements) {
    sqlite3* plain = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &plain), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(plain, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(plain);
    sqlite3_close(plain);
  }
  // One value, or the name of the error.
  std::string ask(const std::string& text) {
    const auto database = Database::open(path, {}, pool);
    if (!database) return std::string(to_string(database.error().code));
    const auto session = (*database)->session();
    const auto rows = loop.run(session->execute({.text = text}));
    (*database)->close();
    if (!rows) return std::string(to_string(rows.error().code));
    const auto* number = rows->values.empty() ? nullptr : std::get_if<int64_t>(&rows->values[0]);
    return number == nullptr ? "" : std::to_string(*number);
  }
  void flip(size_t at) {
    std::string bytes = *read_file(path);
    bytes.at(at) = static_cast<char>(bytes[at] ^ 1);
    ASSERT_TRUE(write_file(path, bytes));
  }

  testing::Folder folder;
  testing::Loop loop;
  io::BlockingPool pool{1};
  const std::string path = folder.path() + "/test.db";
};

TEST_F(CheckedFilesTest, APageThatIsNotWhatWasWrittenIsAnError) {
  ask("CREATE TABLE t (a)");
  ask("INSERT INTO t VALUES (7)");
  EXPECT_EQ(ask("SELECT a FROM t"), "7");
  const size_t size = read_file(path)->size();
  EXPECT_EQ(size % kPageBytes, 0u);
  // The last byte of the table's page before its checksum, and one of the checksum.
  for (const size_t at : {size - kChecksumBytes - 1, size - 1}) {
    flip(at);
    EXPECT_EQ(ask("SELECT a FROM t"), to_string(ErrorCode::kDataLoss));
    flip(at);
    EXPECT_EQ(ask("SELECT a FROM t"), "7");
  }
}

TEST_F(CheckedFilesTest, APageInAnothersPlaceIsAnError) {
  ask("CREATE TABLE t (a)");
  ask("CREATE TABLE u (a)");
  ask("INSERT INTO t VALUES (7)");
  ask("INSERT INTO u VALUES (8)");
  std::string bytes = *read_file(path);
  const size_t last = bytes.size() - kPageBytes;
  std::swap_ranges(bytes.begin() + static_cast<ptrdiff_t>(last), bytes.end(),
                   bytes.begin() + static_cast<ptrdiff_t>(last - kPageBytes));
  ASSERT_TRUE(write_file(path, bytes));
  EXPECT_EQ(ask("SELECT a FROM t"), to_string(ErrorCode::kDataLoss));
}

TEST_F(CheckedFilesTest, ADatabaseWithoutChecksumsGetsThemAndKeepsItsRows) {
  for (const char* more : {"", "PRAGMA page_size = 8192;", "PRAGMA journal_mode = WAL;"}) {
    std::filesystem::remove(path);
    write_plainly(
        fmt::format("{} CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3);"
                    "DELETE FROM t WHERE a = 2;",
                    more));
    EXPECT_EQ(ask("SELECT rowid FROM t WHERE a = 3"), "3") << more;
    EXPECT_EQ((*read_file(path))[20], kChecksumBytes);
    ask("INSERT INTO t VALUES (4)");
    flip(read_file(path)->size() - 1);
    EXPECT_EQ(ask("SELECT count(*) FROM t"), to_string(ErrorCode::kDataLoss)) << more;
  }
}

TEST_F(CheckedFilesTest, WhatAnInterruptedRewriteHasLeftIsNotInTheWay) {
  write_plainly("CREATE TABLE t (a); INSERT INTO t VALUES (5)");
  ASSERT_TRUE(write_file(path + "-checked", "half of a database"));
  EXPECT_EQ(ask("SELECT a FROM t"), "5");
  EXPECT_FALSE(std::filesystem::exists(path + "-checked"));
}

TEST_F(CheckedFilesTest, AHeaderThatLiesIsAnErrorAndNotRewritten) {
  ask("CREATE TABLE t (a)");
  const std::string bytes = *read_file(path);
  // The magic, the page size, the versions, what is reserved, its payload fractions.
  for (const size_t at : {0, 16, 17, 18, 19, 20, 21, 22, 23}) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      ASSERT_TRUE(write_file(path, damaged));
      EXPECT_EQ(ask("SELECT count(*) FROM t"), to_string(ErrorCode::kDataLoss)) << at << ' ' << bit;
      EXPECT_EQ(*read_file(path), damaged) << at << ' ' << bit;
    }
  }
}

TEST_F(CheckedFilesTest, FilesThatAreNoDatabaseAreLeftAlone) {
  EXPECT_TRUE(prepare_checked(path));
  ASSERT_TRUE(write_file(path, ""));
  EXPECT_TRUE(prepare_checked(path));
  ASSERT_TRUE(write_file(path, std::string(5000, 'x')));
  EXPECT_EQ(prepare_checked(path).error().code, ErrorCode::kDataLoss);
  ASSERT_TRUE(write_file(path, "SQLite format 3" + std::string(5000, '\0')));
  EXPECT_EQ(prepare_checked(path).error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace cusp::store::sql
