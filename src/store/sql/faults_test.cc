#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <vector>

#include "store/sql/database.h"
#include "store/sql/file_layer.h"
#include "store/test_loop.h"

namespace cusp::store::sql {

namespace {

// What the disk does from now on, for every file that is opened through the file system below.
std::atomic<bool> sync_fails = false;
std::atomic<bool> disk_is_full = false;

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  if (disk_is_full) return SQLITE_FULL;
  return kForwardingMethods.xWrite(file, data, size, at);
}

int sync_file(sqlite3_file* file, int flags) {
  if (sync_fails) return SQLITE_IOERR_FSYNC;
  return kForwardingMethods.xSync(file, flags);
}

const sqlite3_io_methods& faulty_methods() {
  static const sqlite3_io_methods kMethods = [] {
    sqlite3_io_methods methods = kForwardingMethods;
    methods.xWrite = write_file;
    methods.xSync = sync_file;
    return methods;
  }();
  return kMethods;
}

sqlite3_vfs* system_files = nullptr;

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  return open_layered(system_files, name, reinterpret_cast<LayeredFile*>(file), flags, out,
                      &faulty_methods());
}

// The file system of every database that is opened while this lives.
class FaultyFiles {
 public:
  FaultyFiles() {
    sqlite3_initialize();
    system_files = sqlite3_vfs_find(nullptr);
    files_ = *system_files;
    files_.zName = "faulty";
    files_.szOsFile = sizeof(LayeredFile);
    files_.xOpen = open_file;
    sqlite3_vfs_register(&files_, 1);
  }
  ~FaultyFiles() {
    sqlite3_vfs_unregister(&files_);
    sqlite3_vfs_register(system_files, 1);
  }

 private:
  sqlite3_vfs files_;
};

class SqlFaults : public ::testing::Test {
 protected:
  SqlFaults() { open(); }
  ~SqlFaults() override {
    repair();
    close();
  }
  void repair() { sync_fails = disk_is_full = false; }
  void open() {
    database = *Database::open(folder.path() + "/test.db", {}, pool);
    session = database->session();
  }
  void close() {
    session.reset();
    database->close();
    database.reset();
  }
  Result<Rows> execute(std::string text) {
    Statement statement{.text = std::move(text)};
    return loop.run(session->execute(std::move(statement)));
  }
  int64_t sum() { return std::get<int64_t>(execute("SELECT sum(a) FROM t")->values.at(0)); }

  FaultyFiles files;
  testing::Folder folder;
  // The loop goes last: a thread of the pool may still be waking it.
  testing::Loop loop;
  io::BlockingPool pool{2};
  std::shared_ptr<Database> database;
  std::unique_ptr<Session> session;
};

TEST_F(SqlFaults, AFailingFsyncIsTheWritersErrorAndLosesNothing) {
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  sync_fails = true;
  EXPECT_EQ(execute("INSERT INTO t VALUES (10)").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(sum(), 1);
  repair();
  EXPECT_TRUE(execute("INSERT INTO t VALUES (100)"));
  close();
  open();
  EXPECT_EQ(sum(), 101);
}

TEST_F(SqlFaults, AFullDiskIsTheWritersErrorAndItGoesOnWhenThereIsRoom) {
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER, b BLOB)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1, NULL)"));
  disk_is_full = true;
  const auto refused = execute("INSERT INTO t VALUES (10, zeroblob(100000))");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, kFull);
  EXPECT_EQ(sum(), 1);
  repair();
  EXPECT_TRUE(execute("INSERT INTO t VALUES (100, NULL)"));
  close();
  open();
  EXPECT_EQ(sum(), 101);
}

TEST_F(SqlFaults, EachOfSeveralWritersIsToldOfTheFailure) {
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  sync_fails = true;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::optional<Result<Rows>>> results(20);
  for (auto& result : results) {
    sessions.push_back(database->session());
    Statement insert{.text = "INSERT INTO t VALUES (10)"};
    loop.start(sessions.back()->execute(std::move(insert)), result);
  }
  loop.finish();
  for (const auto& result : results) EXPECT_FALSE(result->has_value());
  repair();
  EXPECT_EQ(sum(), 1);
}

TEST_F(SqlFaults, ATransactionThatCannotBeCommittedHasNotHappened) {
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(execute("BEGIN"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (10)"));
  sync_fails = true;
  EXPECT_FALSE(execute("COMMIT"));
  repair();
  session = database->session();
  EXPECT_EQ(sum(), 1);
  EXPECT_TRUE(execute("INSERT INTO t VALUES (100)")) << "nobody is left in the way";
  EXPECT_EQ(sum(), 101);
}

}  // namespace

}  // namespace cusp::store::sql
