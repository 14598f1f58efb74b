#include "edge/cache/app_cache.h"

#include <unistd.h>

#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "edge/cache/test_cache.h"

namespace cusp::edge::cache {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class AppCacheTest : public testing::CacheTest {
 protected:
  AppCacheTest() { policy.name_space = "shop"; }
  ~AppCacheTest() override {
    cache.reset();
    fs::remove_all(directory);
  }

  AppCache of(std::string app = "shop") { return AppCache(*cache, std::move(app)); }
  // The body of an entry, or why there is none.
  std::string body(const AppCache& from, std::string key = "k") {
    const auto entry = loop.run(from.find(std::move(key)));
    return entry ? std::string(entry->body) + (entry->stale ? " (stale)" : "") : "(none)";
  }
  static void insert(AppCache& into, std::string_view body, std::vector<std::string> tags = {},
                     std::string_view key = "k") {
    ASSERT_TRUE(into.insert(key, {.fresh = 60s, .tags = std::move(tags)}, body));
  }
  // The same cache with its disk tier, as it is after a restart.
  void open_on_disk() {
    directory = (fs::temp_directory_path() / fmt::format("cusp-app-cache-{}", ::getpid())).string();
    open({.disk_directory = directory});
  }
  void settle_disk() {
    while (cache->stats().disk_objects == 0) std::this_thread::yield();
  }

  std::string directory;
};

TEST_F(AppCacheTest, AnEntryIsWhatWasInserted) {
  AppCache shop = of();
  ASSERT_TRUE(shop.insert("k", {.fresh = 60s, .metadata = "text/html\r\n"}, "hello"));
  pass_time(7s);
  const auto entry = shop.find_in_memory("k");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->body, "hello");
  EXPECT_EQ(entry->metadata, "text/html\r\n");
  EXPECT_EQ(entry->age, 7s);
  EXPECT_FALSE(entry->stale);
}

TEST_F(AppCacheTest, BodyAndMetadataMayBeEmptyOrAbsent) {
  AppCache shop = of();
  ASSERT_TRUE(shop.insert("k", {.fresh = 60s}, ""));
  EXPECT_EQ(body(shop), "");
  EXPECT_FALSE(shop.find_in_memory("k")->metadata);
  ASSERT_TRUE(shop.insert("k", {.fresh = 60s, .metadata = ""}, "b"));
  EXPECT_EQ(shop.find_in_memory("k")->metadata, "");
  ASSERT_TRUE(shop.insert("k", {.fresh = 60s, .metadata = "m"}, ""));
  EXPECT_EQ(shop.find_in_memory("k")->metadata, "m");
  EXPECT_EQ(body(shop), "");
}

TEST_F(AppCacheTest, ALaterInsertTakesThePlaceOfAnEarlierOne) {
  AppCache shop = of();
  insert(shop, "one");
  insert(shop, "two");
  EXPECT_EQ(body(shop), "two");
  EXPECT_EQ(cache->stats().memory_objects, 1U);
}

TEST_F(AppCacheTest, ApplicationsDoNotSeeEachOther) {
  AppCache shop = of("shop");
  AppCache bank = of("bank");
  insert(shop, "shoes", {"t"});
  EXPECT_EQ(body(bank), "(none)");
  insert(bank, "money", {"t"});
  shop.purge_tag("t", false);
  EXPECT_EQ(body(shop), "(none)");
  EXPECT_EQ(body(bank), "money");
  shop.erase("k");
  EXPECT_EQ(body(bank), "money");
}

TEST_F(AppCacheTest, NoNameAndKeyLookLikeAnotherPair) {
  AppCache short_name = of("a");
  AppCache long_name = of("a,b");
  insert(short_name, "one", {}, "b,k");
  EXPECT_EQ(body(long_name, "k"), "(none)");
  EXPECT_EQ(body(long_name, ",b,k"), "(none)");
}

TEST_F(AppCacheTest, NoUrlLeadsToAnEntry) {
  AppCache shop = of();
  insert(shop, "secret", {}, "4:shop,19:https://example.com,2:/a,0:,");
  answers(404, {});
  EXPECT_EQ(get().response.status, 404);
  EXPECT_EQ(origin->requests, 1);
}

TEST_F(AppCacheTest, AResponseIsNoEntry) {
  AppCache shop = of();
  answers(200, {{"cache-control", "max-age=60"}});
  get();
  EXPECT_EQ(cache->stats().stored, 1U);
  EXPECT_EQ(body(shop, "/a"), "(none)");
  EXPECT_EQ(body(shop, "https://example.com/a"), "(none)");
}

TEST_F(AppCacheTest, AnEntryIsStaleAfterItsTimeAndThenGone) {
  AppCache shop = of();
  ASSERT_TRUE(shop.insert("k", {.fresh = 10s, .stale = 5s}, "b"));
  pass_time(9s + 999ms);
  EXPECT_EQ(body(shop), "b");
  pass_time(1ms);
  EXPECT_EQ(body(shop), "b (stale)");
  pass_time(5s);
  EXPECT_EQ(body(shop), "(none)");
}

TEST_F(AppCacheTest, AnEntryWithoutAnyTimeIsNeverThere) {
  AppCache shop = of();
  ASSERT_TRUE(shop.insert("k", {}, "b"));
  EXPECT_EQ(body(shop), "(none)");
}

TEST_F(AppCacheTest, ASoftPurgeMakesStale) {
  AppCache shop = of();
  ASSERT_TRUE(shop.insert("k", {.fresh = 60s, .stale = 30s, .tags = {"b", "a", "a"}}, "b"));
  ASSERT_TRUE(shop.insert("strict", {.fresh = 60s, .tags = {"a"}}, "b"));
  pass_time(1s);
  shop.purge_tag("a", true);
  EXPECT_EQ(body(shop), "b (stale)");
  EXPECT_EQ(body(shop, "strict"), "(none)");
}

TEST_F(AppCacheTest, APurgeOfTheOperatorReachesEntriesAndThatOfAGuestItsResponses) {
  AppCache shop = of();
  insert(shop, "b", {"t"});
  EXPECT_EQ(cache->purge({.what = Purge::What::kTag, .value = "t"}), 1U);
  EXPECT_EQ(body(shop), "(none)");
  answers(200, {{"cache-control", "max-age=60"}, {"surrogate-key", "t"}});
  get();
  shop.purge_tag("t", false);
  get();
  EXPECT_EQ(origin->requests, 2);
}

TEST_F(AppCacheTest, WhatIsErasedIsGone) {
  AppCache shop = of();
  insert(shop, "b");
  shop.erase("k");
  EXPECT_EQ(body(shop), "(none)");
  shop.erase("k");
  shop.erase("never there");
}

TEST_F(AppCacheTest, WhatIsTooLargeIsRefused) {
  open({.memory_bytes_max = 1 << 20});
  AppCache shop = of();
  insert(shop, "small");
  const auto result = shop.insert("k", {.fresh = 60s}, std::string(1 << 20, 'x'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(body(shop), "small");
}

TEST_F(AppCacheTest, EntriesOutliveARestartOnDisk) {
  open_on_disk();
  AppCache before = of();
  const std::string large(200'000, 'x');
  ASSERT_TRUE(before.insert("k", {.fresh = 60s, .metadata = "m\n"}, large));
  open_on_disk();
  settle_disk();
  AppCache after = of();
  EXPECT_FALSE(after.find_in_memory("k"));
  EXPECT_TRUE(after.may_be_on_disk("k"));
  EXPECT_EQ(body(after), large);
  ASSERT_TRUE(after.find_in_memory("k")) << "it was read from disk and is in memory now";
  EXPECT_EQ(after.find_in_memory("k")->metadata, "m\n");
  EXPECT_EQ(body(of("bank")), "(none)");
}

TEST_F(AppCacheTest, WhatIsErasedOrPurgedIsGoneFromDiskToo) {
  open_on_disk();
  AppCache before = of();
  insert(before, "b", {"t"});
  insert(before, "b", {}, "other");
  open_on_disk();
  while (cache->stats().disk_objects < 2) std::this_thread::yield();
  AppCache after = of();
  after.purge_tag("t", false);
  after.erase("other");
  EXPECT_EQ(body(after), "(none)");
  EXPECT_EQ(body(after, "other"), "(none)");
}

TEST_F(AppCacheTest, WhatWaitsToBeWrittenDoesNotOutliveAPurge) {
  directory = (fs::temp_directory_path() / fmt::format("cusp-app-cache-{}", ::getpid())).string();
  open({.memory_bytes_max = 4 << 20, .disk_directory = directory});
  AppCache shop = of();
  const std::string large(500'000, 'x');
  for (int i = 0; i < 60; ++i) {
    const std::string key = fmt::format("k{}", i);
    insert(shop, large, {"t"}, key);
    shop.find_in_memory(key);  // worth a place on disk when it has to go
  }
  shop.purge_tag("t", false);
  open({.disk_directory = directory});  // waits for what is to be written
  EXPECT_EQ(body(of(), "k0"), "(none)");
  pass_time(1s);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(body(of(), fmt::format("k{}", i)), "(none)");
}

}  // namespace

}  // namespace cusp::edge::cache
