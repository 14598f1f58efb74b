#include "cli/sql_dump.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <sstream>

#include "base/limits.h"
#include "io/blocking_pool.h"
#include "io/task_runner.h"
#include "store/sql/database.h"

namespace cusp::cli {

namespace {

namespace sql = store::sql;

// Two databases: one that is dumped, and one that the dump is read into.
class SqlDump : public ::testing::Test {
 protected:
  SqlDump() {
    std::string pattern = std::filesystem::temp_directory_path() / "cusp-dump-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    for (size_t i = 0; i < 2; ++i) {
      databases_[i] = *sql::Database::open(folder_ + (i == 0 ? "/a.db" : "/b.db"),
                                           {.result_bytes_max = limits::kMiB}, pool_);
      sessions_[i] = databases_[i]->session();
    }
  }
  ~SqlDump() override {
    for (const auto& database : databases_) database->close();
    std::filesystem::remove_all(folder_);
  }

  Result<sql::Rows> run(size_t which, sql::Statement statement) {
    return runner_.wait(sessions_[which]->execute(std::move(statement)));
  }
  void make(const std::string& text, std::vector<sql::Value> parameters = {}) {
    const auto done = run(0, {.text = text, .parameters = std::move(parameters)});
    EXPECT_TRUE(done) << text << ": " << done.error().message;
  }
  Result<std::string> dumped(size_t which = 0) {
    char* bytes = nullptr;
    size_t size = 0;
    std::FILE* out = ::open_memstream(&bytes, &size);
    const auto done = dump([&](sql::Statement one) { return run(which, std::move(one)); }, out);
    std::fclose(out);
    std::string text(bytes, size);
    ::free(bytes);
    if (!done) return std::unexpected(done.error());
    return text;
  }
  Result<size_t> import(const std::string& text) {
    std::istringstream in(text);
    return import_sql([&](sql::Statement one) { return run(1, std::move(one)); },
                      [&] { return sessions_[1]->in_transaction(); }, in);
  }
  // What the dump makes of the first database in the second is dumped alike.
  void expect_round_trip() {
    const auto text = dumped();
    ASSERT_TRUE(text) << text.error().message;
    const auto count = import(*text);
    ASSERT_TRUE(count) << count.error().to_string();
    EXPECT_EQ(dumped(1).value(), *text);
  }
  void expect_same(const std::string& query) {
    const auto before = run(0, {.text = query});
    const auto after = run(1, {.text = query});
    ASSERT_TRUE(before && after) << query;
    EXPECT_EQ(before->values, after->values) << query;
    EXPECT_GT(after->count(), 0) << query;
  }

  std::string folder_;
  io::TaskRunner runner_;
  io::BlockingPool pool_{2};
  std::shared_ptr<sql::Database> databases_[2];
  std::unique_ptr<sql::Session> sessions_[2];
};

TEST_F(SqlDump, EveryValueComesBack) {
  make("CREATE TABLE \"odd \"\"name\" (id INTEGER PRIMARY KEY AUTOINCREMENT, \"a b\", c BLOB)");
  const sql::Value values[] = {std::monostate(),
                               std::numeric_limits<int64_t>::min(),
                               0.1,
                               -1e308 * 10,
                               5e-324,
                               std::string("it's; -- \n \"x\""),
                               std::string("a\0b", 3),
                               std::string("\xff\xfe"),
                               sql::Blob{std::string("\0\x01'", 3)},
                               std::string(300'000, '\''),
                               std::string()};
  for (const auto& value : values) {
    make("INSERT INTO \"odd \"\"name\" (\"a b\", c) VALUES (?, ?)", {value, value});
  }
  make("DELETE FROM \"odd \"\"name\" WHERE id = 11");
  expect_round_trip();
  expect_same("SELECT id, \"a b\", c, typeof(\"a b\"), typeof(c) FROM \"odd \"\"name\"");
  expect_same("SELECT * FROM sqlite_sequence");
}

TEST_F(SqlDump, TablesOfEveryKindComeBackWithWhatBelongsToThem) {
  make("CREATE TABLE child (id PRIMARY KEY, of REFERENCES parent, rowid, double AS (id * 2))");
  make("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
  make("CREATE TABLE pair (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID");
  make("CREATE INDEX i ON child (of)");
  make("CREATE VIEW seen AS SELECT * FROM child; -- a view");
  make("CREATE TRIGGER g AFTER INSERT ON parent BEGIN INSERT INTO pair VALUES (NEW.id, ';'); END");
  make("INSERT INTO parent VALUES (1), (-5), (7)");
  make("INSERT INTO child (id, of, rowid) VALUES (3, -5, 'mine'), (4, 7, NULL)");
  expect_round_trip();
  expect_same("SELECT * FROM child");
  expect_same("SELECT * FROM seen");
  expect_same("SELECT k, v FROM pair");
  expect_same("SELECT type, name, sql FROM sqlite_schema WHERE name <> 'g' ORDER BY name");
}

TEST_F(SqlDump, SearchAndSpaceComeBackAsTablesThatFindTheSame) {
  make("CREATE TABLE page (id INTEGER PRIMARY KEY, body)");
  make("INSERT INTO page VALUES (3, 'a needle'), (9, 'hay')");
  make("CREATE VIRTUAL TABLE own USING fts5(content, title)");
  make("INSERT INTO own (rowid, content, title) VALUES (42, 'a needle', 't')");
  make("CREATE VIRTUAL TABLE other USING fts5(body, CONTENT = 'page', content_rowid=id)");
  make("INSERT INTO other (other) VALUES ('rebuild')");
  make("CREATE VIRTUAL TABLE place USING rtree(id, x0, x1)");
  make("INSERT INTO place VALUES (5, 1.5, 2.5)");
  expect_round_trip();
  expect_same("SELECT rowid, content FROM own('needle')");
  expect_same("SELECT rowid, body FROM other('needle')");
  expect_same("SELECT id, x0 FROM place WHERE x1 > 2");
  make("CREATE VIRTUAL TABLE none USING fts5(a, content = '')");
  EXPECT_EQ(dumped().error().code, ErrorCode::kUnsupported);
}

TEST_F(SqlDump, ManyRowsAndLongOnesComeInPages) {
  make("CREATE TABLE t (a)");
  make(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700) "
      "INSERT INTO t SELECT i FROM n");
  make(
      "INSERT INTO t (rowid, a) VALUES (-3, zeroblob(400000)), (5000, zeroblob(400000)), "
      "(5001, zeroblob(400000)), (5002, zeroblob(400000))");
  const auto text = dumped();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(import(*text).value(), 1706);
  expect_same("SELECT count(*), sum(length(a)), count(DISTINCT a) FROM t");
}

TEST_F(SqlDump, AnImportHappensAsAWholeOrNotAtAll) {
  const auto wrong = import("CREATE TABLE t (a);\nINSERT INTO t VALUES (1);\nINSERT INTO u;\n");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().context, "line 3");
  sessions_[1] = databases_[1]->session();
  EXPECT_FALSE(run(1, {.text = "SELECT * FROM t"}));
  EXPECT_EQ(import("BEGIN; CREATE TABLE t (a); ROLLBACK; SELECT 1;").error().code,
            ErrorCode::kInvalidArgument);
  sessions_[1] = databases_[1]->session();
  for (const char* text : {"SELECT 'open", "ATTACH 'x' AS y", "CREATE TEMP TABLE t (a)",
                           "PRAGMA writable_schema = ON", "VACUUM INTO 'x'"}) {
    EXPECT_FALSE(import(text)) << text;
    sessions_[1] = databases_[1]->session();
  }
  // As sqlite3 writes its dumps.
  EXPECT_EQ(import("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (a);\nCOMMIT;\n")
                .value(),
            2);
}

TEST_F(SqlDump, RowsThatReferToNoneAreRefusedAtTheEnd) {
  EXPECT_FALSE(
      import("CREATE TABLE p (id INTEGER PRIMARY KEY);"
             "CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (9);"));
}

}  // namespace

}  // namespace cusp::cli
