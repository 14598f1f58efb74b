#include "edge/cache/store.h"

#include <gtest/gtest.h>

#include <thread>

#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

constexpr size_t kMemory = 1024 * 1024;

std::shared_ptr<Object> make_object(const std::string& key, size_t size,
                                    std::vector<std::string> tags = {}) {
  auto object = std::make_shared<Object>();
  object->key = key;
  object->url = "https://example.com/" + key;
  object->tags = std::move(tags);
  object->content.append(std::make_shared<const std::string>(size, 'x'));
  return object;
}

class StoreTest : public ::testing::Test {
 protected:
  bool has(const std::string& key) { return store.find(key) != nullptr; }

  std::vector<std::string> evicted;
  Store store{kMemory, [this](const ObjectPtr& object) { evicted.push_back(object->key); }};
};

TEST_F(StoreTest, NeverHoldsMoreThanItMay) {
  for (int i = 0; i < 2000; ++i) {
    store.insert(make_object(std::to_string(i), static_cast<size_t>(i % 7) * 1000 + 1));
    ASSERT_LE(store.bytes(), kMemory);
  }
  EXPECT_GT(store.bytes(), kMemory / 2);
  EXPECT_GT(store.evictions(), 1000U);
  store.purge({.what = Purge::What::kEverything}, {});
  EXPECT_EQ(store.bytes(), 0U);
  EXPECT_EQ(store.objects(), 0U);
}

TEST_F(StoreTest, WhatIsAskedForSurvivesAScan) {
  store.insert(make_object("hot", 1000));
  for (int i = 0; i < 10; ++i) has("hot");
  for (int i = 0; i < 5000; ++i) {
    store.insert(make_object(std::to_string(i), 1000));
    if (i % 50 == 0) has("hot");
  }
  EXPECT_TRUE(has("hot"));
  EXPECT_FALSE(has("100"));
}

TEST_F(StoreTest, OnlyWhatWasAskedForIsHandedOn) {
  store.insert(make_object("once", 1000));
  store.insert(make_object("twice", 1000));
  has("twice");
  for (int i = 0; i < 3000; ++i) store.insert(make_object(std::to_string(i), 1000));
  EXPECT_EQ(evicted, std::vector<std::string>{"twice"});
}

TEST_F(StoreTest, AnObjectTooLargeIsRefusedAndThrowsNothingOut) {
  store.insert(make_object("a", 1000));
  EXPECT_FALSE(store.insert(make_object("b", kMemory)));
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST_F(StoreTest, VariantsAreBoundedAndTheSameVarianceIsReplaced) {
  for (size_t i = 0; i < 2 * kVariantsMax; ++i) {
    auto object = make_object("a", 10);
    object->variance.choices = {{"accept", std::to_string(i)}};
    store.insert(object);
  }
  EXPECT_EQ(store.find("a")->size(), kVariantsMax);
  EXPECT_EQ(store.find("a")->front()->variance.choices[0].value,
            std::to_string(2 * kVariantsMax - 1));
  auto plain = make_object("b", 10);
  store.insert(plain);
  store.insert(make_object("b", 20));
  EXPECT_EQ(store.find("b")->size(), 1U);
  store.replace(plain, make_object("b", 30));
  EXPECT_EQ(store.find("b")->front()->content.size, 20U);
}

TEST_F(StoreTest, PurgesFindExactlyWhatTheyName) {
  store.insert(make_object("a", 1, {"t"}));
  store.insert(make_object("ab", 1, {"t", "u"}));
  store.insert(make_object("b", 1));
  EXPECT_EQ(store.purge({.what = Purge::What::kTag, .value = ""}, {}), 0U);
  EXPECT_EQ(store.purge({.what = Purge::What::kTag, .value = "T"}, {}), 0U);
  EXPECT_EQ(store.purge({.what = Purge::What::kUrl, .value = "https://example.com/"}, {}), 0U);
  EXPECT_EQ(store.purge({.what = Purge::What::kTag, .value = "u"}, {}), 1U);
  EXPECT_EQ(store.purge({.what = Purge::What::kTag, .value = "u"}, {}), 0U);
  EXPECT_EQ(store.purge({.what = Purge::What::kPrefix, .value = "https://example.com/a"}, {}), 1U);
  EXPECT_TRUE(has("b"));
}

TEST_F(StoreTest, ManyThreadsMayUseItAtOnce) {
  Store shared{64 * kMemory, [](const ObjectPtr&) {}};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&shared, thread] {
      for (int i = 0; i < 5000; ++i) {
        const std::string key = std::to_string((i * (thread + 1)) % 300);
        if (const auto found = shared.find(key)) EXPECT_EQ(found->front()->key, key);
        shared.insert(make_object(key, 1000, {"t" + std::to_string(i % 5)}));
        if (i % 100 == 0) shared.purge({.what = Purge::What::kTag, .value = "t1"}, {});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(shared.objects(), 300U);
}

}  // namespace

}  // namespace cusp::edge::cache
