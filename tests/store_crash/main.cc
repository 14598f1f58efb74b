// Writes to stores until it is killed, and first checks what was written before: the half of the
// crash test that holds the stores (tests/e2e/test_store_crash.py kills it).
//
// usage: store_crash FOLDER       prints "writing" once the check has passed, then writes for ever
//        store_crash FOLDER check
//
// What was acknowledged stands in FOLDER/acknowledged, a line for each: whatever is in the page
// cache outlives the process.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/file.h"
#include "io/asio.h"
#include "store/kv/database.h"
#include "store/kv/entry.h"

namespace {

using namespace cusp;
namespace kv = store::kv;

constexpr size_t kWriters = 8;
using Counts = std::array<uint64_t, kWriters>;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "store_crash: %s\n", why.c_str());
  std::_Exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().to_string());
  return std::move(*result);
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Of every size up to a few pages; now and then one that RocksDB keeps apart.
std::string payload(size_t writer, uint64_t turn) {
  const size_t size = turn % 61 == 7 ? 70'000 : (turn * 2'654'435'761 + writer) % 9000;
  return std::string(size, static_cast<char>('a' + (turn + writer) % 26));
}

// What each writer was told is written.
Counts acknowledged(const std::string& file) {
  Counts counts{};
  const auto text = read_file(file);
  if (!text) return counts;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    const size_t writer = number(line);
    if (writer >= kWriters) die("the list of acknowledged writes is damaged");
    counts[writer] = number(line.substr(line.find(' ') + 1));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return counts;
}

std::string last_key(size_t writer) { return fmt::format("last/{}", writer); }
std::string turn_key(size_t writer, uint64_t turn) { return fmt::format("{}/{}", writer, turn); }

io::Task<std::string> value_of(kv::Store& store, std::string key) {
  const auto entry = must(co_await store.get(std::move(key)));
  co_return entry ? entry->value : "nothing";
}

// A write of three keys is there whole or not at all, and is there if it was acknowledged. Older
// turns than the last few were checked in earlier rounds.
io::Task<> check(kv::Store& store, const Counts& acknowledged, Counts& last) {
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

io::Task<> write(kv::Store& store, size_t writer, uint64_t turn, int log) {
  while (true) {
    ++turn;
    kv::Write changes;
    changes.push_back(kv::Change::set(turn_key(writer, turn), payload(writer, turn)));
    changes.push_back(kv::Change::set(last_key(writer), std::to_string(turn)));
    changes.push_back(kv::Change::increment("count", 1));
    must(co_await store.write(std::move(changes)));
    const std::string line = fmt::format("{} {}\n", writer, turn);
    if (::write(log, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      die("cannot write the list of acknowledged writes");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) die("usage: store_crash FOLDER [check]");
  const std::string folder = argv[1];
  const std::string log = folder + "/acknowledged";
  io::BlockingPool pool(2);
  const auto database = must(kv::Database::open({.directory = folder + "/kv"}, pool));
  const auto store = must(database->store({"crash", "default"}));
  io::asio::io_context loop;
  Counts last{};
  io::asio::co_spawn(loop.get_executor(), check(*store, acknowledged(log), last),
                     io::asio::detached);
  loop.run();
  if (argc > 2) return 0;
  std::puts("writing");
  std::fflush(stdout);
  const Descriptor file(::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
  for (size_t writer = 0; writer < kWriters; ++writer) {
    io::asio::co_spawn(loop.get_executor(), write(*store, writer, last[writer], file),
                       io::asio::detached);
  }
  loop.restart();
  loop.run();
}
