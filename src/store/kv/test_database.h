#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "store/kv/database.h"
#include "store/test_loop.h"

namespace cusp::store::kv {

// A database in a folder of its own, with a clock that stands still, and one store of it.
class KvTest : public ::testing::Test {
 protected:
  KvTest() { open(); }
  ~KvTest() override {
    store.reset();
    database.reset();
  }

  void open(rocksdb::Env* env = nullptr) {
    store.reset();
    database.reset();
    auto opened = try_open(env);
    ASSERT_TRUE(opened) << opened.error().to_string();
    database = std::move(*opened);
    store = *database->store({"app", "default"});
  }
  Result<std::unique_ptr<Database>> try_open(rocksdb::Env* env = nullptr) {
    return Database::open(
        {.directory = folder.path() + "/kv", .now = [this] { return now.load(); }, .env = env},
        pool);
  }

  Result<Written> write(Write changes) { return loop.run(store->write(std::move(changes))); }
  Result<Written> set(std::string key, std::string value) {
    Write changes;
    changes.push_back(Change::set(std::move(key), std::move(value)));
    return write(std::move(changes));
  }
  Result<Written> change(Change one) {
    Write changes;
    changes.push_back(std::move(one));
    return write(std::move(changes));
  }
  // The value, or what else there is to say.
  std::string get(const std::string& key) {
    auto entry = loop.run(store->get(key));
    if (!entry) return "error: " + entry.error().message;
    return *entry ? (*entry)->value : "nothing";
  }
  // The keys of a page, with spaces in between, and "…" if there are more.
  std::string list(ListOptions options) {
    auto page = loop.run(store->list(std::move(options)));
    if (!page) return "error: " + page.error().message;
    std::string keys;
    for (const auto& listed : page->keys) keys += listed.key + " ";
    return keys + (page->next ? "…" : "");
  }

  std::atomic<Time> now{Time(std::chrono::milliseconds(1'700'000'000'000))};
  testing::Folder folder;
  // The loop goes last: a thread of the pool may still be waking it.
  testing::Loop loop;
  io::BlockingPool pool{2};
  std::unique_ptr<Database> database;
  std::shared_ptr<Store> store;
};

}  // namespace cusp::store::kv
