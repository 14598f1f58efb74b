#include "store/sql/log_check.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/file.h"
#include "store/sql/database.h"
#include "store/test_loop.h"

namespace cusp::store::sql {
namespace {

constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameBytes = 24 + 4096;

class SqlLogCheckTest : public ::testing::Test {
 protected:
  // A log as SQLite writes it, of several transactions; as a crash leaves it.
  SqlLogCheckTest() {
    sqlite3* connection = nullptr;
    sqlite3_open(path.c_str(), &connection);
    sqlite3_exec(connection, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)", nullptr, nullptr,
                 nullptr);
    for (int i = 0; i < 5; ++i) {
      sqlite3_exec(connection, "INSERT INTO t VALUES (zeroblob(9000))", nullptr, nullptr, nullptr);
    }
    log = *read_file(path + "-wal");
    sqlite3_close(connection);
  }
  std::string changed(size_t at) const {
    std::string damaged = log;
    damaged.at(at) = static_cast<char>(damaged[at] ^ 4);
    return damaged;
  }

  testing::Folder folder;
  const std::string path = folder.path() + "/test.db";
  std::string log;
};

TEST_F(SqlLogCheckTest, ALogIsWholeWhereverItsWritingEnded) {
  ASSERT_GT(log.size(), 15 * kFrameBytes);
  for (size_t end = 0; end <= log.size(); end += 97) {
    EXPECT_TRUE(log_is_whole(log.substr(0, end))) << end;
  }
  EXPECT_TRUE(log_is_whole(log));
  EXPECT_TRUE(log_is_whole(std::string(kHeaderBytes, '\0') + log.substr(kHeaderBytes)));
}

TEST_F(SqlLogCheckTest, DamageWithATransactionBehindItIsFound) {
  for (size_t at = 0; at < log.size() / 2; at += at < kHeaderBytes ? 1 : 211) {
    EXPECT_FALSE(log_is_whole(changed(at))) << at;
  }
}

TEST_F(SqlLogCheckTest, FramesOfAnEarlierRunAreNotMissed) {
  std::string older = log;
  for (size_t at = kHeaderBytes + 8 * kFrameBytes; at < log.size(); at += kFrameBytes) {
    older[at + 8] = static_cast<char>(older[at + 8] ^ 1);  // their salt
  }
  EXPECT_TRUE(log_is_whole(older));
}

TEST_F(SqlLogCheckTest, ADatabaseWithADamagedLogIsNotOpened) {
  ASSERT_TRUE(write_file(path + "-wal", changed(kHeaderBytes + 5 * kFrameBytes + 100)));
  io::BlockingPool pool{1};
  const auto refused = Database::open(path, {}, pool);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(refused.error().context, path + "-wal");
  pool.stop();
}

}  // namespace
}  // namespace cusp::store::sql
