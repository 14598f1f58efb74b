#include "store/sql/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/file.h"
#include "store/test_loop.h"

namespace cusp::store::sql {

namespace {

namespace fs = std::filesystem;

class SqlDatabase : public ::testing::Test {
 protected:
  SqlDatabase() { open(); }
  ~SqlDatabase() override { close(); }

  void open(const Limits& limits = {}) {
    close();
    auto opened = Database::open(path, limits, pool);
    ASSERT_TRUE(opened) << opened.error().to_string();
    database = std::move(*opened);
    session = database->session();
  }
  void close() {
    session.reset();
    if (database) database->close();
    database.reset();
  }

  static std::string show(const Value& value) {
    if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
    if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* blob = std::get_if<Blob>(&value)) {
      return "x'" + std::to_string(blob->bytes.size());
    }
    return "NULL";
  }
  // Rows as "1,a;2,b", or the error's message.
  static std::string show(const Result<Rows>& rows) {
    if (!rows) return "error: " + rows.error().message;
    std::string text;
    for (size_t i = 0; i < rows->values.size(); ++i) {
      if (i > 0) text += i % rows->columns.size() == 0 ? ";" : ",";
      text += show(rows->values[i]);
    }
    return text;
  }
  Result<Rows> execute(std::string text, std::vector<Value> parameters = {}) {
    return execute(*session, std::move(text), std::move(parameters));
  }
  Result<Rows> execute(Session& by, std::string text, std::vector<Value> parameters = {}) {
    Statement statement{.text = std::move(text), .parameters = std::move(parameters)};
    return loop.run(by.execute(std::move(statement)));
  }
  std::string ask(std::string text, std::vector<Value> parameters = {}) {
    return show(execute(std::move(text), std::move(parameters)));
  }
  ErrorCode code(std::string text, std::vector<Value> parameters = {}) {
    const auto rows = execute(std::move(text), std::move(parameters));
    EXPECT_FALSE(rows);
    return rows ? ErrorCode::kInternal : rows.error().code;
  }

  testing::Folder folder;
  const std::string path = folder.path() + "/test.db";
  // The loop goes last: a thread of the pool may still be waking it.
  testing::Loop loop;
  io::BlockingPool pool{2};
  std::shared_ptr<Database> database;
  std::unique_ptr<Session> session;
};

TEST_F(SqlDatabase, RowsComeBackAsTheyWereWritten) {
  ASSERT_TRUE(execute("CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, s TEXT, b BLOB)"));
  const auto written = execute("INSERT INTO t VALUES (?, ?, ?, ?)",
                               {int64_t{7}, 1.5, std::string("a\0b", 3), Blob{"\xff"}});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->changes, 1);
  EXPECT_EQ(written->last.insert_rowid, 7);
  const auto rows = execute("SELECT * FROM t");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->columns,
            (std::vector<Column>{{"id", "INTEGER"}, {"r", "REAL"}, {"s", "TEXT"}, {"b", "BLOB"}}));
  EXPECT_EQ(rows->values,
            (std::vector<Value>{int64_t{7}, 1.5, std::string("a\0b", 3), Blob{"\xff"}}));
  EXPECT_EQ(rows->changes, 0);
  EXPECT_EQ(ask("SELECT NULL, zeroblob(0), ''"), "NULL,x'0,");
}

TEST_F(SqlDatabase, WhatIsWrittenIsThereAfterItWasOpenedAgain) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1), (2)"));
  open();
  EXPECT_EQ(ask("SELECT sum(a) FROM t"), "3");
}

TEST_F(SqlDatabase, AQuickReadThatWasSeenBeforeRunsOnTheShard) {
  ASSERT_TRUE(execute("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')"));
  const Statement point{.text = "SELECT s FROM t WHERE id = ?", .parameters = {int64_t{2}}};
  EXPECT_FALSE(session->try_execute(point)) << "nobody knows yet what it takes";
  std::optional<Result<Rows>> rows;
  for (int i = 0; i < 50 && !rows; ++i) {
    ASSERT_TRUE(execute(point.text, point.parameters));
    rows = session->try_execute(point);
  }
  ASSERT_TRUE(rows);
  EXPECT_EQ(show(*rows), "two");
  const Statement wrong{.text = point.text, .parameters = {}};
  EXPECT_FALSE(session->try_execute(wrong)->has_value()) << "its errors are the same";
}

TEST_F(SqlDatabase, AReadThatTurnsOutLongLeavesTheShard) {
  const Statement count{
      .text =
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
          "SELECT count(*) FROM n",
      .parameters = {int64_t{3}}};
  for (int i = 0; i < 50 && !session->try_execute(count); ++i) {
    ASSERT_TRUE(execute(count.text, count.parameters));
  }
  const Statement longer{.text = count.text, .parameters = {int64_t{1'000'000}}};
  EXPECT_FALSE(session->try_execute(longer));
  EXPECT_EQ(ask(longer.text, longer.parameters), "1000000");
}

TEST_F(SqlDatabase, WritesThatCannotEverRunAreNotTriedOnTheShard) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(session->try_execute({.text = "INSERT INTO t VALUES (1)"}));
    ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  }
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "5");
}

TEST_F(SqlDatabase, WritersAtOnceLoseNothing) {
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)"));
  constexpr size_t kWriters = 100;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::optional<Result<Rows>>> results(kWriters);
  for (auto& result : results) {
    sessions.push_back(database->session());
    Statement insert{.text = "INSERT INTO t (b) VALUES (1)"};
    loop.start(sessions.back()->execute(std::move(insert)), result);
  }
  loop.finish();
  std::set<int64_t> ids;
  for (const auto& result : results) {
    ASSERT_TRUE(*result) << (*result).error().message;
    EXPECT_EQ((*result)->changes, 1);
    ids.insert((*result)->last.insert_rowid);
  }
  EXPECT_EQ(ids.size(), kWriters) << "each was told the row that it has inserted";
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "100");
}

TEST_F(SqlDatabase, OneOfSeveralWritesThatFailsTakesNoOtherWithIt) {
  ASSERT_TRUE(execute("CREATE TABLE p (id INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(execute("CREATE TABLE t (a UNIQUE, p REFERENCES p DEFERRABLE INITIALLY DEFERRED)"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (0, NULL)"));
  const std::vector<std::string> texts = {
      "INSERT INTO t VALUES (1, NULL)",
      "INSERT INTO t VALUES (0, NULL)",  // ends the statement
      "INSERT INTO t VALUES (2, NULL)",
      "INSERT OR ROLLBACK INTO t VALUES (0, NULL)",  // ends the transaction
      "INSERT INTO t VALUES (3, NULL)",
      "INSERT INTO t VALUES (4, 99)",  // refuses the commit
      "INSERT INTO t VALUES (5, NULL)",
      "INSERT INTO nowhere VALUES (1)"};
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::optional<Result<Rows>>> results(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    sessions.push_back(database->session());
    Statement statement{.text = texts[i]};
    loop.start(sessions.back()->execute(std::move(statement)), results[i]);
  }
  loop.finish();
  for (const size_t failed : {1, 3, 5, 7})
    EXPECT_FALSE(results[failed]->has_value()) << texts[failed];
  EXPECT_EQ(ask("SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY a)"), "0,1,2,3,5");
}

TEST_F(SqlDatabase, ATransactionIsSeenByOthersWhenItIsCommitted) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  const auto other = database->session();
  ASSERT_TRUE(execute("BEGIN"));
  EXPECT_TRUE(session->in_transaction());
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(show(execute(*other, "SELECT count(*) FROM t")), "0");
  ASSERT_TRUE(execute("COMMIT"));
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(show(execute(*other, "SELECT count(*) FROM t")), "1");
  ASSERT_TRUE(execute("SAVEPOINT s"));
  ASSERT_TRUE(execute("DELETE FROM t"));
  ASSERT_TRUE(execute("ROLLBACK TO s"));
  ASSERT_TRUE(execute("RELEASE s"));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "1");
}

TEST_F(SqlDatabase, OthersWriteAfterATransactionNotInIt) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  const auto other = database->session();
  ASSERT_TRUE(execute("BEGIN"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  std::optional<Result<Rows>> later;
  Statement insert{.text = "INSERT INTO t VALUES (2)"};
  loop.start(other->execute(std::move(insert)), later);
  std::optional<Result<Rows>> rollback;
  Statement end{.text = "ROLLBACK"};
  loop.start(session->execute(std::move(end)), rollback);
  loop.finish();
  ASSERT_TRUE(*later);
  EXPECT_EQ(ask("SELECT group_concat(a) FROM t"), "2");
}

TEST_F(SqlDatabase, ATransactionGoesWithItsSession) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  ASSERT_TRUE(execute("BEGIN"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  session = database->session();
  EXPECT_TRUE(execute("INSERT INTO t VALUES (2)"));
  EXPECT_EQ(ask("SELECT group_concat(a) FROM t"), "2");
}

TEST_F(SqlDatabase, ATransactionOfWhichNothingIsHeardMakesRoomAndIsToldSo) {
  open({.transaction_idle = std::chrono::milliseconds(50)});
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  const auto other = database->session();
  ASSERT_TRUE(execute("BEGIN IMMEDIATE"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  EXPECT_TRUE(execute(*other, "INSERT INTO t VALUES (2)"));
  EXPECT_EQ(code("INSERT INTO t VALUES (3)"), ErrorCode::kDeadlineExceeded);
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(ask("SELECT group_concat(a) FROM t"), "2");
}

TEST_F(SqlDatabase, FunctionsAboutTheLastWriteAnswerForTheirSession) {
  ASSERT_TRUE(execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)"));
  const auto other = database->session();
  ASSERT_TRUE(execute("INSERT INTO t (a) VALUES (1), (2)"));
  ASSERT_TRUE(execute(*other, "INSERT INTO t (id, a) VALUES (50, 1)"));
  EXPECT_EQ(ask("SELECT last_insert_rowid(), changes()"), "2,2");
  EXPECT_EQ(show(execute(*other, "SELECT last_insert_rowid(), changes()")), "50,1");
  ASSERT_TRUE(execute("CREATE TABLE u (a)"));
  EXPECT_EQ(ask("SELECT last_insert_rowid(), changes()"), "2,2");
  EXPECT_EQ(session->last().insert_rowid, 2);
}

TEST_F(SqlDatabase, StatementsAreDescribedWithoutRunning) {
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER)"));
  const auto insert = *loop.run(session->describe("INSERT INTO t VALUES (:a) RETURNING a"));
  EXPECT_FALSE(insert.reads);
  EXPECT_EQ(insert.parameters.at(0).name, ":a");
  EXPECT_EQ(insert.columns.at(0).name, "a");
  EXPECT_TRUE(loop.run(session->describe("EXPLAIN SELECT 1"))->explain);
  EXPECT_FALSE(loop.run(session->describe("SELEC")));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0");
}

TEST_F(SqlDatabase, FullTextAndJsonAreThere) {
  ASSERT_TRUE(execute("CREATE VIRTUAL TABLE f USING fts5(body)"));
  ASSERT_TRUE(execute("INSERT INTO f VALUES ('the quick brown fox'), ('a lazy dog')"));
  EXPECT_EQ(ask("SELECT body FROM f WHERE f MATCH 'quick'"), "the quick brown fox");
  EXPECT_EQ(ask("SELECT json_extract('{\"a\":[1,2]}', '$.a[1]')"), "2");
  EXPECT_EQ(ask("SELECT round(sqrt(2), 3)"), "1.414");
}

TEST_F(SqlDatabase, ForeignKeysAreEnforced) {
  ASSERT_TRUE(execute("CREATE TABLE p (id INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(execute("CREATE TABLE c (p REFERENCES p)"));
  EXPECT_EQ(ask("INSERT INTO c VALUES (1)"), "error: FOREIGN KEY constraint failed");
  EXPECT_TRUE(execute("PRAGMA foreign_keys = OFF")) << "asked for out of habit, and ignored";
  EXPECT_EQ(ask("INSERT INTO c VALUES (1)"), "error: FOREIGN KEY constraint failed");
}

TEST_F(SqlDatabase, NoStatementLeavesItsDatabase) {
  const std::string other = folder.path() + "/other.db";
  for (const auto& text : std::vector<std::string>{"ATTACH '" + other + "' AS o",
                                                   "ATTACH ':memory:' AS m",
                                                   "DETACH main",
                                                   "VACUUM INTO '" + other + "'",
                                                   "VACUUM",
                                                   "SELECT load_extension('x')",
                                                   "PRAGMA writable_schema = ON",
                                                   "PRAGMA temp_store_directory = '/'",
                                                   "PRAGMA journal_size_limit = 1",
                                                   "PRAGMA wal_checkpoint(TRUNCATE)",
                                                   "PRAGMA hard_heap_limit = 1",
                                                   "PRAGMA soft_heap_limit = 1",
                                                   "PRAGMA threads = 8",
                                                   "PRAGMA max_page_count = 999999",
                                                   "PRAGMA trusted_schema = ON",
                                                   "PRAGMA cell_size_check = OFF",
                                                   "PRAGMA ignore_check_constraints = ON",
                                                   "PRAGMA encoding = 'UTF-16'",
                                                   "PRAGMA nonsense",
                                                   "PRAGMA main.writable_schema = 1",
                                                   "SELECT * FROM pragma_writable_schema(1)",
                                                   "CREATE TEMP TABLE t (a)",
                                                   "CREATE TEMP VIEW v AS SELECT 1",
                                                   "SELECT readfile('/etc/passwd')",
                                                   "SELECT writefile('" + other + "', 'x')",
                                                   "SELECT fts3_tokenizer('x')"}) {
    const auto answer = execute(text);
    EXPECT_FALSE(answer) << text;
  }
  EXPECT_FALSE(fs::exists(other));
  EXPECT_EQ(ask("PRAGMA journal_mode"), "wal");
  EXPECT_TRUE(execute("PRAGMA journal_mode = DELETE"));
  EXPECT_TRUE(execute("PRAGMA synchronous = OFF"));
  EXPECT_EQ(ask("PRAGMA journal_mode"), "wal");
  ASSERT_TRUE(execute("CREATE TABLE t (a INTEGER)"));
  EXPECT_EQ(ask("SELECT name FROM pragma_table_info('t')"), "a");
  EXPECT_EQ(ask("PRAGMA quick_check"), "ok");
  EXPECT_TRUE(execute("PRAGMA user_version = 3"));
  EXPECT_EQ(ask("PRAGMA user_version"), "3");
}

TEST_F(SqlDatabase, MalformedStatementsAreAnError) {
  for (const char* text :
       {"", " ", ";", "-- nothing", "SELEC 1", "SELECT", "SELECT 1; SELECT 2",
        "SELECT * FROM nowhere", "SELECT 1; DROP", "INSERT INTO", "\xff\xfe", "SELECT 'unclosed"}) {
    const auto answer = execute(text);
    EXPECT_FALSE(answer) << text;
  }
  EXPECT_EQ(ask("SELECT 1; -- and a comment"), "1");
  EXPECT_EQ(code(std::string("SELECT 1\0; nonsense", 19)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("SELECT ?"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("SELECT 1", {int64_t{1}}), ErrorCode::kInvalidArgument);
  Statement named{.text = "SELECT :a + @b + $c",
                  .named = {{"a", int64_t{1}}, {"@b", int64_t{2}}, {"c", int64_t{3}}}};
  EXPECT_EQ(show(loop.run(session->execute(named))), "6");
  named.named.emplace_back("d", int64_t{4});
  EXPECT_FALSE(loop.run(session->execute(named)));
}

TEST_F(SqlDatabase, NothingGrowsBeyondItsLimit) {
  open({.database_bytes_max = 100 * 4096,
        .rows_max = 1000,
        .result_bytes_max = 1 << 20,
        .time_max = std::chrono::milliseconds(100)});
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  EXPECT_EQ(code("INSERT INTO t VALUES (zeroblob(1000000))"), ErrorCode::kResourceExhausted);
  EXPECT_EQ(code("INSERT INTO t VALUES (zeroblob(1000000000))"), ErrorCode::kResourceExhausted);
  const std::string endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT ";
  EXPECT_EQ(code(endless + "i FROM n"), ErrorCode::kResourceExhausted);
  EXPECT_EQ(code(endless + "zeroblob(100000) FROM n"), ErrorCode::kResourceExhausted);
  EXPECT_EQ(code(endless + "count(*) FROM n"), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(code("INSERT INTO t " + endless + "NULL FROM n WHERE i < 0"),
            ErrorCode::kDeadlineExceeded);
  std::string many = "SELECT 1";
  for (int i = 0; i < 100; ++i) many += " UNION SELECT " + std::to_string(i);
  EXPECT_EQ(code(many), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("SELECT ?101"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("SELECT '" + std::string(limits::kSqlTextBytesMax, 'x') + "'"),
            ErrorCode::kResourceExhausted);
  std::string deep;
  for (int i = 0; i < 300; ++i) deep = " + (1" + deep + ")";
  EXPECT_EQ(code("SELECT 1" + deep), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(execute("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "1");
}

TEST_F(SqlDatabase, AStatementThatRunsOutOfTimeChangesNothing) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  open({.time_max = std::chrono::milliseconds(50)});
  EXPECT_EQ(code("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                 "SELECT i FROM n"),
            ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0");
}

TEST_F(SqlDatabase, AClosedOneTakesNoWrites) {
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  ASSERT_TRUE(execute("BEGIN"));
  ASSERT_TRUE(execute("INSERT INTO t VALUES (1)"));
  database->close();
  EXPECT_EQ(code("COMMIT"), ErrorCode::kUnavailable);
  session.reset();
  open();
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0");
}

TEST_F(SqlDatabase, CloseDoesNotWaitForAnEndlessStatement) {
  const std::string endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
  ASSERT_TRUE(execute("CREATE TABLE t (a)"));
  const auto other = database->session();
  std::optional<Result<Rows>> reading;
  Statement read{.text = endless};
  loop.start(session->execute(std::move(read)), reading);
  std::optional<Result<Rows>> writing;
  Statement write{.text = "INSERT INTO t " + endless};
  loop.start(other->execute(std::move(write)), writing);
  std::thread closer([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    database->close();
  });
  loop.finish();
  closer.join();
  EXPECT_EQ(reading->error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(writing->error().code, ErrorCode::kUnavailable);
}

TEST_F(SqlDatabase, AFileThatIsNoDatabaseIsAnErrorThatNamesIt) {
  const std::string text = folder.path() + "/text.db";
  ASSERT_TRUE(write_file(text, std::string(5000, 'x')));
  const auto opened = Database::open(text, {}, pool);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(opened.error().context, text);
  EXPECT_FALSE(Database::open(folder.path() + "/none/x.db", {}, pool));
}

class SqlMigrations : public SqlDatabase {
 protected:
  SqlMigrations() { fs::create_directory(folder.path() + "/m"); }
  void file(const std::string& name, const std::string& text) {
    std::ofstream(folder.path() + "/m/" + name) << text;
  }
  Result<size_t> migrate() {
    CUSP_TRY(const auto migrations, read_migrations(folder.path() + "/m"));
    return database->migrate(migrations);
  }
};

TEST_F(SqlMigrations, AreAppliedOnceInTheOrderOfTheirNames) {
  file("002_fill.sql", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);");
  file("001_make.sql", "-- a table\nCREATE TABLE t (a);\n");
  file("readme.md", "not SQL");
  EXPECT_EQ(migrate().value(), 2);
  EXPECT_EQ(migrate().value(), 0);
  file("003_more.sql", "INSERT INTO t VALUES (3)");
  open();
  EXPECT_EQ(migrate().value(), 1);
  EXPECT_EQ(ask("SELECT sum(a) FROM t"), "6");
}

TEST_F(SqlMigrations, OneThatFailsLeavesNothingOfItself) {
  file("001.sql", "CREATE TABLE t (a); INSERT INTO nowhere VALUES (1);");
  auto applied = migrate();
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().context, "001.sql");
  EXPECT_FALSE(execute("SELECT * FROM t"));
  file("001.sql", "CREATE TABLE t (a); COMMIT; ATTACH 'x' AS y;");
  EXPECT_FALSE(migrate());
  file("001.sql", "CREATE TABLE u (a); COMMIT;");
  EXPECT_FALSE(migrate());
  EXPECT_TRUE(execute("CREATE TABLE v (a)")) << "no transaction is left open";
}

TEST_F(SqlMigrations, OneThatHasChangedSinceIsAnError) {
  file("001.sql", "CREATE TABLE t (a)");
  ASSERT_TRUE(migrate());
  file("001.sql", "CREATE TABLE t (a, b)");
  const auto applied = migrate();
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(read_migrations(folder.path() + "/missing"));
}

}  // namespace

}  // namespace cusp::store::sql
