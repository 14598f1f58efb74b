// Writes to stores until it is killed, and first checks what was written before: the half of the
// crash test that holds the stores (tests/e2e/test_store_crash.py kills it).
//
// usage: store_crash FOLDER       prints "writing" once the check has passed, then writes for ever
//        store_crash FOLDER check
//
// What was acknowledged stands in FOLDER/kv.acknowledged, sql.acknowledged, object.acknowledged and
// queue.acknowledged, a line for each: whatever is in the page cache outlives the process.
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "store/kv/database.h"
#include "store/kv/entry.h"
#include "store/object/objects.h"
#include "store/sql/database.h"
#include "store_crash/queues.h"
#include "store_crash/writers.h"

namespace {

using namespace cusp;
using namespace cusp::store_crash;
namespace kv = store::kv;
namespace object = store::object;
namespace sql = store::sql;

std::string last_key(size_t writer) { return fmt::format("last/{}", writer); }
std::string turn_key(size_t writer, uint64_t turn) { return fmt::format("{}/{}", writer, turn); }

io::Task<std::string> value_of(kv::Store& store, std::string key) {
  const auto entry = must(co_await store.get(std::move(key)));
  co_return entry ? entry->value : "nothing";
}

// A write of three keys is there whole or not at all, and is there if it was acknowledged. Older
// turns than the last few were checked in earlier rounds.
io::Task<> check_kv(kv::Store& store, Counts acknowledged, Counts& last) {
  constexpr uint64_t kTurnsAgain = 20;
  uint64_t sum = 0;
  for (size_t writer = 0; writer < kWriters; ++writer) {
    last[writer] = number(co_await value_of(store, last_key(writer)));
    if (last[writer] < acknowledged[writer]) {
      die(fmt::format("writer {} was told that turn {} is written; there are {}", writer,
                      acknowledged[writer], last[writer]));
    }
    sum += last[writer];
    for (uint64_t turn = last[writer]; turn > 0 && turn + kTurnsAgain > last[writer]; --turn) {
      if (co_await value_of(store, turn_key(writer, turn)) != payload(writer, turn)) {
        die(fmt::format("turn {} of writer {} is not as it was written", turn, writer));
      }
    }
    if (co_await value_of(store, turn_key(writer, last[writer] + 1)) != "nothing") {
      die(fmt::format("half of a turn of writer {} is there", writer));
    }
  }
  const std::string counter = co_await value_of(store, "count");
  if (sum != 0 && kv::decode_number(counter) != static_cast<int64_t>(sum)) {
    die("the counter is not the sum of what was written");
  }
}

io::Task<> write_kv(kv::Store& store, size_t writer, uint64_t turn, int log) {
  while (true) {
    ++turn;
    kv::Write changes;
    changes.push_back(kv::Change::set(turn_key(writer, turn), payload(writer, turn)));
    changes.push_back(kv::Change::set(last_key(writer), std::to_string(turn)));
    changes.push_back(kv::Change::increment("count", 1));
    must(co_await store.write(std::move(changes)));
    acknowledge(log, writer, turn);
  }
}

io::Task<sql::Rows> execute(sql::Session& session, std::string text,
                            std::vector<sql::Value> parameters = {}) {
  sql::Statement statement{.text = std::move(text), .parameters = std::move(parameters)};
  co_return must(co_await session.execute(std::move(statement)));
}

// The same for a database, with a row for each turn and one for each writer's last turn.
io::Task<> check_sql(sql::Session& session, Counts acknowledged, Counts& last) {
  co_await execute(session,
                   "CREATE TABLE IF NOT EXISTS turn (writer, turn, payload, "
                   "PRIMARY KEY (writer, turn))");
  co_await execute(session,
                   "CREATE TABLE IF NOT EXISTS last (writer INTEGER PRIMARY KEY, turn INTEGER)");
  // One statement that writes to both.
  co_await execute(session, "CREATE VIEW IF NOT EXISTS marked_turn AS SELECT * FROM turn");
  co_await execute(session,
                   "CREATE TRIGGER IF NOT EXISTS mark INSTEAD OF INSERT ON marked_turn BEGIN "
                   "INSERT INTO turn VALUES (new.writer, new.turn, new.payload); "
                   "REPLACE INTO last VALUES (new.writer, new.turn); END");
  const auto sound = co_await execute(session, "PRAGMA quick_check");
  if (sound.values.at(0) != sql::Value("ok")) die("the database is damaged");
  for (size_t writer = 0; writer < kWriters; ++writer) {
    std::vector<sql::Value> who{static_cast<int64_t>(writer)};
    const auto rows = co_await execute(
        session,
        "SELECT count(*), max(turn), coalesce((SELECT turn FROM last WHERE writer = ?1), 0) "
        "FROM turn WHERE writer = ?1",
        who);
    last[writer] = static_cast<uint64_t>(std::get<int64_t>(rows.values.at(2)));
    if (last[writer] < acknowledged[writer]) {
      die(fmt::format("writer {} was told that row {} is written; there are {}", writer,
                      acknowledged[writer], last[writer]));
    }
    if (rows.values[0] != rows.values[2] ||
        (last[writer] > 0 && rows.values[1] != rows.values[2])) {
      die(fmt::format("half of a transaction of writer {} is there", writer));
    }
  }
}

// Every third turn is a transaction of its own making; the others are single statements, which
// share one.
io::Task<> write_sql(sql::Session& session, size_t writer, uint64_t turn, int log) {
  while (true) {
    ++turn;
    const auto number = static_cast<int64_t>(turn);
    std::vector<sql::Value> row{static_cast<int64_t>(writer), number,
                                sql::Blob{payload(writer, turn)}};
    std::vector<sql::Value> mark{static_cast<int64_t>(writer), number};
    if (turn % 3 == 0) {
      co_await execute(session, "BEGIN");
      co_await execute(session, "INSERT INTO turn VALUES (?, ?, ?)", row);
      co_await execute(session, "REPLACE INTO last VALUES (?, ?)", mark);
      co_await execute(session, "COMMIT");
    } else {
      co_await execute(session, "INSERT INTO marked_turn VALUES (?, ?, ?)", row);
    }
    acknowledge(log, writer, turn);
  }
}

// What an object holds after a turn: the same for some writers, so that they share contents.
std::string content(size_t writer, uint64_t turn) {
  return fmt::format("{} {} ", writer / 2, turn) + payload(writer / 2, turn);
}

io::Task<std::string> content_of(object::Bucket& bucket, std::string key) {
  auto found = must(co_await bucket.get(std::move(key)));
  if (!found) co_return "nothing";
  std::string all;
  while (true) {
    const std::string part = must(co_await found->read(all.size(), UINT64_MAX));
    if (part.empty()) co_return all;
    all += part;
  }
}

// The turn that an object is of; what it holds is that turn's content as a whole.
io::Task<uint64_t> turn_of(object::Bucket& bucket, size_t writer, std::string key) {
  const std::string found = co_await content_of(bucket, key);
  if (found == "nothing") co_return 0;
  const uint64_t turn = number(std::string_view(found).substr(found.find(' ') + 1));
  if (found != content(writer, turn)) die(fmt::format("the object {} is not as written", key));
  co_return turn;
}

// Each writer writes over one object and leaves some behind, by each of the ways to write one.
io::Task<> check_objects(object::Bucket& bucket, Counts acknowledged, Counts& last) {
  constexpr uint64_t kTurnsAgain = 20;
  for (size_t writer = 0; writer < kWriters; ++writer) {
    last[writer] = co_await turn_of(bucket, writer, last_key(writer));
    if (last[writer] < acknowledged[writer]) {
      die(fmt::format("writer {} was told that object {} is written; there are {}", writer,
                      acknowledged[writer], last[writer]));
    }
    for (uint64_t turn = last[writer]; turn > 0 && turn + kTurnsAgain > last[writer]; --turn) {
      const std::string key = turn_key(writer, turn);
      const bool kept = turn % 2 == 0;
      const uint64_t found = co_await turn_of(bucket, writer, key);
      // What was to be deleted after the last turn may be there or not.
      if (kept ? found != turn : found != 0 && turn <= acknowledged[writer]) {
        die(fmt::format("object {} is not what the last turns have left", key));
      }
    }
  }
}

io::Task<object::Received> receive(object::Bucket& bucket, size_t writer, uint64_t turn) {
  auto incoming = bucket.receive();
  must(co_await incoming.append(content(writer, turn)));
  co_return must(co_await incoming.finish());
}

io::Task<> write_objects(object::Bucket& bucket, size_t writer, uint64_t turn, int log) {
  // Of a turn that was not acknowledged.
  if (turn % 2 == 1) must(co_await bucket.remove(turn_key(writer, turn)));
  while (true) {
    ++turn;
    const std::string key = turn_key(writer, turn);
    if (turn % 3 == 0) {
      const auto upload = must(co_await bucket.begin_upload(key, {}, {}));
      auto received = co_await receive(bucket, writer, turn);
      const auto part = must(co_await bucket.put_part(key, upload.id, 1, std::move(received)));
      object::Head head;
      must(co_await bucket.complete(key, upload.id, {{1, part->etag}}, {}, head));
    } else {
      auto received = co_await receive(bucket, writer, turn);
      must(co_await bucket.put(key, std::move(received), {}));
    }
    const auto source = must(co_await bucket.get(key));
    must(co_await bucket.copy(*source, last_key(writer), {}));
    if (turn % 2 == 1) must(co_await bucket.remove(key));
    acknowledge(log, writer, turn);
  }
}

io::Task<> gather_contents(object::Bucket& bucket, std::set<std::string>& digests) {
  // A round leaves one or two behind.
  constexpr size_t kUploadsMax = 100'000;
  object::ListOptions options;
  while (true) {
    const auto page = must(co_await bucket.list(options));
    for (const auto& listed : page.objects) {
      const auto head = must(co_await bucket.head(listed.key));
      for (const auto& one : head->contents) digests.insert(one.digest);
    }
    if (!page.next) break;
    options.after = *page.next;
  }
  for (const auto& upload : must(co_await bucket.uploads("", kUploadsMax))) {
    for (const auto& part : must(co_await bucket.parts(upload.key, upload.id, 0, 10))) {
      digests.insert(part.content.digest);
    }
  }
}

// After a sweep there is what something refers to, and nothing else.
void check_contents(object::Objects& objects, const std::string& folder,
                    const std::set<std::string>& digests) {
  must(objects.sweep());
  std::set<std::string> files;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.is_regular_file()) files.insert(file.path().filename());
  }
  if (files != digests) {
    die(fmt::format("{} contents are on disk, and {} are referred to", files.size(),
                    digests.size()));
  }
}

// Writers of one kind of store begin behind what they have written before.
template <class Write>
void start(io::asio::io_context& loop, const std::string& log, const Counts& last, Write write) {
  const int file = open_log(log);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    io::asio::co_spawn(loop.get_executor(), write(writer, last[writer], file), io::asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) die("usage: store_crash FOLDER [check]");
  const std::string folder = argv[1];
  io::BlockingPool pool(2);
  io::asio::io_context loop;
  const auto database = must(kv::Database::open({.directory = folder + "/kv"}, pool));
  const auto store = must(database->store({"crash", "default"}));
  const auto tables = must(sql::Database::open(folder + "/sql.db", {}, pool));
  const auto objects = must(object::Objects::open({.directory = folder + "/objects"}, pool));
  const auto bucket = must(objects->bucket({"crash", "default"}));
  std::vector<std::unique_ptr<sql::Session>> sessions;
  for (size_t writer = 0; writer < kWriters; ++writer) sessions.push_back(tables->session());
  const std::string kv_log = folder + "/kv.acknowledged";
  const std::string sql_log = folder + "/sql.acknowledged";
  const std::string object_log = folder + "/object.acknowledged";
  const std::string queue_log = folder + "/queue.acknowledged";
  const std::string done_log = folder + "/queue.done";
  Counts object_last{};
  Counts kv_last{};
  Counts sql_last{};
  Counts queue_last{};
  io::asio::co_spawn(loop.get_executor(), check_kv(*store, acknowledged(kv_log), kv_last),
                     io::asio::detached);
  io::asio::co_spawn(loop.get_executor(), check_sql(*sessions[0], acknowledged(sql_log), sql_last),
                     io::asio::detached);
  io::asio::co_spawn(loop.get_executor(),
                     check_objects(*bucket, acknowledged(object_log), object_last),
                     io::asio::detached);
  io::asio::co_spawn(loop.get_executor(), check_queues(*database, queue_log, done_log, queue_last),
                     io::asio::detached);
  loop.run();
  if (argc > 2) {
    std::set<std::string> digests;
    io::asio::co_spawn(loop.get_executor(), gather_contents(*bucket, digests), io::asio::detached);
    loop.restart();
    loop.run();
    check_contents(*objects, folder + "/objects/content", digests);
    return 0;
  }
  std::puts("writing");
  std::fflush(stdout);
  start(loop, kv_log, kv_last,
        [&](size_t writer, uint64_t turn, int log) { return write_kv(*store, writer, turn, log); });
  start(loop, sql_log, sql_last, [&](size_t writer, uint64_t turn, int log) {
    return write_sql(*sessions[writer], writer, turn, log);
  });
  start(loop, object_log, object_last, [&](size_t writer, uint64_t turn, int log) {
    return write_objects(*bucket, writer, turn, log);
  });
  const int done = open_log(done_log);
  start(loop, queue_log, queue_last, [&](size_t writer, uint64_t turn, int log) {
    return write_queue(*database, writer, turn, log, done);
  });
  loop.restart();
  loop.run();
}
