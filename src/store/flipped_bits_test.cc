// What lies on the disk loses a bit now and then. Every store must then give what was written, or
// say that it cannot; anything else is a wrong answer that nobody notices.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <functional>
#include <random>

#include <fmt/format.h>

#include "base/file.h"
#include "store/stores.h"
#include "store/test_loop.h"

namespace cusp::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRows = 400;
constexpr size_t kKeys = 300;

// What a reader finds, item by item; nothing for what cannot be read.
using Found = std::vector<std::optional<std::string>>;

std::string payload(size_t item) {
  const size_t size = item % 50 == 7 ? 70'000 : 20 + item * 37 % 900;
  return fmt::format("{} ", item) + std::string(size, static_cast<char>('a' + item % 26));
}

std::string text_of(const sql::Rows& rows) {
  std::string text;
  for (const auto& value : rows.values) {
    if (const auto* integer = std::get_if<int64_t>(&value)) text += std::to_string(*integer);
    if (const auto* string = std::get_if<std::string>(&value)) text += *string;
    text += '|';
  }
  return text;
}

class FlippedBits : public ::testing::Test {
 protected:
  using Use = std::function<void(Stores&)>;

  // Opens what lies in `directory` for as long as `use` takes.
  void with(const std::string& directory, const Use& use) {
    io::BlockingPool pool{2};
    Stores stores(directory, pool);
    use(stores);
    stores.close();
    pool.stop();
  }

  // Flips bits of every file, one at a time, and reads after each. What must hold: each item is
  // what it was, or an error.
  void flip(const std::function<Found(Stores&)>& read) {
    Found expected;
    with(original_, [&](Stores& stores) { expected = read(stores); });
    for (const auto& item : expected) ASSERT_TRUE(item);
    size_t flips = 0;
    size_t detected = 0;
    for (const auto& file : fs::recursive_directory_iterator(original_)) {
      if (!file.is_regular_file()) continue;
      const std::string name = fs::relative(file.path(), original_);
      const size_t size = file.file_size();
      const size_t count = std::min(size, flips_of_a_file());
      for (size_t i = 0; i < count; ++i, ++flips) {
        // One in each part of the file, so that its head and its end are met, too.
        const size_t at = size * i / count + random_() % std::max<size_t>(1, size / count);
        const auto bit = static_cast<char>(1 << random_() % 8);
        make_damaged(name, std::min(at, size - 1), bit);
        Found found(expected.size());
        with(damaged_, [&](Stores& stores) { found = read(stores); });
        ASSERT_EQ(found.size(), expected.size());
        bool all = true;
        for (size_t item = 0; item < expected.size(); ++item) {
          all = all && found[item];
          EXPECT_TRUE(!found[item] || found[item] == expected[item])
              << "a wrong answer for item " << item << " after byte " << at << " of " << name
              << " (" << size << " bytes) was changed by " << int{bit};
        }
        detected += all ? 0 : 1;
      }
    }
    RecordProperty("flips", static_cast<int>(flips));
    RecordProperty("detected", static_cast<int>(detected));
    EXPECT_GT(detected, flips / 10);
  }

  const std::string& original() const { return original_; }
  testing::Loop loop_;

 private:
  static size_t flips_of_a_file() {
    const char* text = ::getenv("CUSP_FLIPS");
    return text == nullptr ? 4 : std::stoul(text);
  }

  void make_damaged(const std::string& name, size_t at, char bit) {
    fs::remove_all(damaged_);
    fs::copy(original_, damaged_, fs::copy_options::recursive);
    std::fstream file(damaged_ + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ bit));
  }

  testing::Folder folder_;
  const std::string original_ = folder_.path() + "/original";
  const std::string damaged_ = folder_.path() + "/damaged";
  std::mt19937 random_{20};
};

TEST_F(FlippedBits, OfAKeyValueStoreAreDetectedOrHarmless) {
  with(original(), [&](Stores& stores) {
    const auto store = *(*stores.key_values())->store({"app", "default"});
    for (size_t i = 0; i < kKeys; ++i) {
      kv::Write write;
      write.push_back(kv::Change::set(fmt::format("key/{:03}", i), payload(i)));
      ASSERT_TRUE(loop_.run(store->write(std::move(write))));
    }
  });
  flip([&](Stores& stores) {
    Found found(kKeys + 1);
    const auto database = stores.key_values();
    if (!database) return found;
    const auto store = *(*database)->store({"app", "default"});
    for (size_t i = 0; i < kKeys; ++i) {
      const auto entry = loop_.run(store->get(fmt::format("key/{:03}", i)));
      if (entry) found[i] = *entry ? (*entry)->value : "nothing";
    }
    if (const auto page = loop_.run(store->list({}))) {
      found[kKeys].emplace();
      for (const auto& key : page->keys) *found[kKeys] += key.key + " ";
    }
    return found;
  });
}

TEST_F(FlippedBits, OfAnSqlDatabaseAreDetectedOrHarmless) {
  const auto run = [&](sql::Session& session, std::string text, std::vector<sql::Value> values) {
    return loop_.run(session.execute({.text = std::move(text), .parameters = std::move(values)}));
  };
  with(original(), [&](Stores& stores) {
    const auto session = (*stores.sql("app", "default"))->session();
    ASSERT_TRUE(run(*session, "CREATE TABLE t (a INTEGER PRIMARY KEY, b, c)", {}));
    ASSERT_TRUE(run(*session, "CREATE INDEX i ON t (b)", {}));
    ASSERT_TRUE(run(*session, "CREATE VIRTUAL TABLE words USING fts5(text)", {}));
    ASSERT_TRUE(run(*session, "BEGIN", {}));
    for (size_t i = 0; i < kRows; ++i) {
      const auto number = static_cast<int64_t>(i);
      ASSERT_TRUE(run(*session, "INSERT INTO t VALUES (?, ?, ?)",
                      {number, fmt::format("b{}", i * 7919 % kRows), payload(i)}));
      ASSERT_TRUE(run(*session, "INSERT INTO words VALUES (?)", {fmt::format("word{} x", i)}));
    }
    ASSERT_TRUE(run(*session, "DELETE FROM t WHERE a % 10 = 3", {}));  // leaves free pages
    ASSERT_TRUE(run(*session, "COMMIT", {}));
  });
  flip([&](Stores& stores) {
    Found found(5);
    const auto database = stores.sql("app", "default");
    if (!database) return found;
    const auto session = (*database)->session();
    const char* texts[] = {"SELECT a, b, c FROM t ORDER BY a", "SELECT b FROM t ORDER BY b",
                           "SELECT a FROM t WHERE b = 'b77'", "SELECT count(*) FROM words('x')",
                           "SELECT name, sql FROM sqlite_schema"};
    for (size_t i = 0; i < std::size(texts); ++i) {
      if (const auto rows = run(*session, texts[i], {})) found[i] = text_of(*rows);
    }
    return found;
  });
}

TEST_F(FlippedBits, OfAnObjectStoreAreDetectedOrHarmless) {
  constexpr size_t kObjects = 12;
  with(original(), [&](Stores& stores) {
    const auto bucket = *(*stores.objects())->bucket({"app", "default"});
    for (size_t i = 0; i < kObjects; ++i) {
      auto incoming = bucket->receive();
      const std::string bytes = payload(i);
      ASSERT_TRUE(loop_.run(incoming.append(bytes)));
      auto received = *loop_.run(incoming.finish());
      ASSERT_TRUE(loop_.run(bucket->put(fmt::format("o{}", i), std::move(received), {})));
    }
  });
  flip([&](Stores& stores) {
    Found found(2 * kObjects);
    const auto objects = stores.objects();
    if (!objects) return found;
    const auto bucket = *(*objects)->bucket({"app", "default"});
    for (size_t i = 0; i < kObjects; ++i) {
      auto object = loop_.run(bucket->get(fmt::format("o{}", i)));
      if (!object) continue;
      found[2 * i] = *object ? (*object)->head().etag : "nothing";
      if (!*object) continue;
      const auto bytes = loop_.run((*object)->read(0, UINT64_MAX));
      if (bytes) found[2 * i + 1] = *bytes;
    }
    return found;
  });
}

TEST_F(FlippedBits, OfAQueueAreDetectedOrHarmless) {
  constexpr size_t kMessages = 40;
  with(original(), [&](Stores& stores) {
    const auto queue = *stores.queue("app", "jobs");
    for (size_t i = 0; i < kMessages; ++i) {
      std::vector<queue::Outgoing> messages;
      messages.push_back({.body = payload(i), .content_type = "text/plain"});
      ASSERT_TRUE(loop_.run(queue->send(std::move(messages))));
    }
  });
  flip([&](Stores& stores) {
    Found found(2);
    const auto queue = stores.queue("app", "jobs");
    if (!queue) return found;
    if (const auto counts = loop_.run((*queue)->count())) found[0] = std::to_string(counts->ready);
    if (const auto messages = loop_.run((*queue)->peek(kMessages))) {
      found[1].emplace();
      for (const auto& message : *messages) *found[1] += message.body + message.content_type;
    }
    return found;
  });
}

}  // namespace
}  // namespace cusp::store
