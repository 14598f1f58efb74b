// Durable writes of 100 bytes by many writers for some seconds, by our stores or by the libraries
// beneath them as their own benchmarks use them; prints how many there were in a second.
// bench/writes.py calls this in turns.
//
// usage: store_writes kv|rocksdb|sql|sqlite|sqlite-threads WRITERS SECONDS FOLDER
//   kv, sql    a coroutine for each writer, on one thread
//   rocksdb    a thread for each writer, Put with sync, as db_bench's fillrandom with sync=1 does
//   sqlite     one thread, WRITERS rows in a transaction, synchronous = FULL
//   sqlite-threads  a thread and a connection for each writer, a row in a transaction
#include <rocksdb/db.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "io/asio.h"
#include "store/kv/database.h"
#include "store/sql/database.h"

namespace {

using namespace cusp;
using Clock = std::chrono::steady_clock;

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, value TEXT NOT NULL)";
constexpr const char* kInsert = "INSERT INTO entry (value) VALUES (?)";
constexpr uint64_t kKeys = 1'000'000;

const std::string& value() {
  static const std::string kValue(100, 'v');
  return kValue;
}

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "store_writes: %s\n", why.c_str());
  std::exit(1);
}

struct Run {
  size_t writers;
  std::chrono::duration<double> time;
  std::string folder;
  std::atomic<uint64_t> written = 0;

  // How many there were in a second of those until `stop`.
  double rate(Clock::time_point begun) const {
    return static_cast<double>(written) /
           std::chrono::duration<double>(Clock::now() - begun).count();
  }
  Clock::time_point end() const {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
  }
};

class Keys {
 public:
  explicit Keys(size_t writer) : random_(writer) {}
  std::string next() { return fmt::format("{:016}", random_() % kKeys); }

 private:
  std::mt19937_64 random_;
};

io::Task<> put_entries(std::shared_ptr<store::kv::Store> store, Run& run, size_t writer,
                       Clock::time_point end) {
  Keys keys(writer);
  while (Clock::now() < end) {
    store::kv::Write write;
    write.push_back(store::kv::Change::set(keys.next(), value()));
    if (!co_await store->write(std::move(write))) die("a write has failed");
    ++run.written;
  }
}

double measure_kv(Run& run) {
  io::BlockingPool pool(2);
  io::asio::io_context loop(1);
  const auto database = store::kv::Database::open({.directory = run.folder + "/kv"}, pool);
  if (!database) die(database.error().to_string());
  const auto store = (*database)->store({"bench", "default"});
  const auto begun = Clock::now();
  for (size_t i = 0; i < run.writers; ++i) {
    io::asio::co_spawn(loop, put_entries(*store, run, i, run.end()), io::asio::detached);
  }
  loop.run();
  return run.rate(begun);
}

double measure_rocksdb(Run& run) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, run.folder + "/rocksdb", &opened).ok()) die("cannot open");
  const std::unique_ptr<rocksdb::DB> database(opened);
  const auto begun = Clock::now();
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < run.writers; ++i) {
    threads.emplace_back([&, i, end = run.end()] {
      Keys keys(i);
      rocksdb::WriteOptions sync;
      sync.sync = true;
      while (Clock::now() < end) {
        if (!database->Put(sync, keys.next(), value()).ok()) die("a write has failed");
        ++run.written;
      }
    });
  }
  threads.clear();
  return run.rate(begun);
}

io::Task<> insert_rows(std::unique_ptr<store::sql::Session> session, Run& run,
                       Clock::time_point end) {
  while (Clock::now() < end) {
    store::sql::Statement insert{.text = kInsert, .parameters = {value()}};
    if (!co_await session->execute(std::move(insert))) die("an insert has failed");
    ++run.written;
  }
}

double measure_sql(Run& run) {
  io::BlockingPool pool(2);
  io::asio::io_context loop(1);
  const auto database = store::sql::Database::open(run.folder + "/sql.db", {}, pool);
  if (!database) die(database.error().to_string());
  const auto session = (*database)->session();
  io::asio::co_spawn(loop, session->execute({.text = kTable}),
                     [](std::exception_ptr, Result<store::sql::Rows> made) {
                       if (!made) die(made.error().to_string());
                     });
  loop.run();
  loop.restart();
  const auto begun = Clock::now();
  for (size_t i = 0; i < run.writers; ++i) {
    io::asio::co_spawn(loop, insert_rows((*database)->session(), run, run.end()),
                       io::asio::detached);
  }
  loop.run();
  return run.rate(begun);
}

class Sqlite {
 public:
  explicit Sqlite(const Run& run) {
    sqlite3_open((run.folder + "/sqlite.db").c_str(), &database_);
    sqlite3_busy_timeout(database_, 60'000);
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    execute(kTable);
    sqlite3_prepare_v2(database_, kInsert, -1, &insert_, nullptr);
  }
  ~Sqlite() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void execute(const char* text) {
    if (sqlite3_exec(database_, text, nullptr, nullptr, nullptr) != SQLITE_OK) {
      die(sqlite3_errmsg(database_));
    }
  }
  void insert() {
    sqlite3_bind_text(insert_, 1, value().data(), static_cast<int>(value().size()), SQLITE_STATIC);
    if (sqlite3_step(insert_) != SQLITE_DONE) die(sqlite3_errmsg(database_));
    sqlite3_reset(insert_);
  }

 private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

double measure_sqlite(Run& run) {
  Sqlite database(run);
  const auto begun = Clock::now();
  for (const auto end = run.end(); Clock::now() < end;) {
    database.execute("BEGIN IMMEDIATE");
    for (size_t i = 0; i < run.writers; ++i) database.insert();
    database.execute("COMMIT");
    run.written += run.writers;
  }
  return run.rate(begun);
}

double measure_sqlite_threads(Run& run) {
  std::vector<std::unique_ptr<Sqlite>> databases;
  for (size_t i = 0; i < run.writers; ++i) databases.push_back(std::make_unique<Sqlite>(run));
  const auto begun = Clock::now();
  std::vector<std::jthread> threads;
  for (auto& database : databases) {
    threads.emplace_back([&run, &database, end = run.end()] {
      while (Clock::now() < end) {
        database->insert();
        ++run.written;
      }
    });
  }
  threads.clear();
  return run.rate(begun);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    die("usage: store_writes kv|rocksdb|sql|sqlite|sqlite-threads WRITERS SECONDS FOLDER");
  const std::string kind = argv[1];
  Run run{.writers = std::stoul(argv[2]),
          .time = std::chrono::duration<double>(std::stod(argv[3])),
          .folder = argv[4]};
  const auto measure = kind == "kv"               ? measure_kv
                       : kind == "rocksdb"        ? measure_rocksdb
                       : kind == "sql"            ? measure_sql
                       : kind == "sqlite"         ? measure_sqlite
                       : kind == "sqlite-threads" ? measure_sqlite_threads
                                                  : nullptr;
  if (measure == nullptr) die("there is no kind '" + kind + "'");
  std::printf("%.1f\n", measure(run));
}
