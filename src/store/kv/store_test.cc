#include "store/kv/store.h"

#include <limits>

#include "store/kv/entry.h"
#include "store/kv/test_database.h"

namespace cusp::store::kv {

namespace {

using namespace std::chrono_literals;

using KvStore = KvTest;

TEST_F(KvStore, WhatIsWrittenCanBeReadAndIsGoneAfterDelete) {
  EXPECT_EQ(get("a"), "nothing");
  ASSERT_TRUE(set("a", "1"));
  EXPECT_EQ(get("a"), "1");
  ASSERT_TRUE(set("a", std::string("\0\xff", 2)));
  EXPECT_EQ(get("a"), std::string("\0\xff", 2));
  ASSERT_TRUE(change(Change::erase("a")));
  EXPECT_EQ(get("a"), "nothing");
  EXPECT_TRUE(change(Change::erase("a"))) << "deleting nothing is no error";
}

TEST_F(KvStore, WhatIsWrittenIsThereAfterItWasOpenedAgain) {
  ASSERT_TRUE(set("small", "1"));
  ASSERT_TRUE(set("big", std::string(3 * limits::kMiB, 'x')));
  open();
  EXPECT_EQ(get("small"), "1");
  EXPECT_EQ(get("big"), std::string(3 * limits::kMiB, 'x'));
}

TEST_F(KvStore, AReadOfWhatIsInMemoryNeedsNoOtherThread) {
  ASSERT_TRUE(set("a", "1"));
  const auto found = store->try_get("a");
  ASSERT_TRUE(found && *found && **found);
  EXPECT_EQ((**found)->value, "1");
  const auto missing = store->try_get("b");
  ASSERT_TRUE(missing && *missing);
  EXPECT_FALSE(**missing);
}

TEST_F(KvStore, ACheckChangesNothingAndDecidesOverTheWholeWrite) {
  const uint64_t revision = set("a", "1")->revision;
  EXPECT_TRUE(write({Change::check("a", revision), Change::set("b", "2")})->applied);
  EXPECT_FALSE(write({Change::set("b", "3"), Change::check("a", revision + 1)})->applied);
  EXPECT_FALSE(write({Change::set("b", "3"), Change::check("a", 0)})->applied);
  EXPECT_TRUE(write({Change::check("c", 0)})->applied);
  EXPECT_EQ(get("a") + get("b") + get("c"), "12nothing");
}

TEST_F(KvStore, AThreadThatMayBlockReadsAndWritesTheSame) {
  EXPECT_TRUE(store->write_blocking({Change::set("a", "1")})->applied);
  EXPECT_EQ((*store->get_blocking("a"))->value, "1");
  EXPECT_FALSE(*store->get_blocking("b"));
  EXPECT_EQ(store->list_blocking({})->keys.size(), 1);
  EXPECT_FALSE(store->get_blocking(""));
  EXPECT_FALSE(store->write_blocking({Change::set("", "1")}));
}

TEST_F(KvStore, StoresOfOneNameAreApartForEachApp) {
  const auto other_app = *database->store({"app2", "default"});
  const auto other_store = *database->store({"app", "default2"});
  ASSERT_TRUE(set("a", "1"));
  EXPECT_FALSE(*loop.run(other_app->get("a")));
  EXPECT_FALSE(*loop.run(other_store->get("a")));
  ASSERT_TRUE(loop.run(other_app->write({Change::set("b", "2")})));
  EXPECT_EQ(list({}), "a ");
  EXPECT_EQ(*database->stores(), (std::vector<StoreName>{{"app", "default"}, {"app2", "default"}}));
}

TEST_F(KvStore, MetadataAndRevisionComeWithTheValue) {
  Change set = Change::set("a", "1");
  set.metadata = "{\"type\":\"x\"}";
  const auto written = change(set);
  ASSERT_TRUE(written);
  const auto entry = *loop.run(store->get("a"));
  EXPECT_EQ(entry->metadata, "{\"type\":\"x\"}");
  EXPECT_EQ(entry->revision, written->revision);
}

TEST_F(KvStore, RevisionsGrowAcrossAnOpening) {
  const uint64_t first = set("a", "1")->revision;
  open();
  EXPECT_GT(set("a", "2")->revision, first);
}

TEST_F(KvStore, AnEntryIsGoneWhenItExpires) {
  Change set = Change::set("a", "1");
  set.expires = now.load() + 10s;
  ASSERT_TRUE(change(set));
  now = now.load() + 9999ms;
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(list({}), "a ");
  now = now.load() + 1ms;
  EXPECT_EQ(get("a"), "nothing");
  EXPECT_EQ(list({}), "");
  Change fresh = Change::set("a", "2");
  fresh.expected = 0;
  EXPECT_TRUE(change(fresh)->applied) << "what has expired is not there for a condition either";
}

TEST_F(KvStore, WhatHasExpiredIsDroppedFromTheFilesInTheEnd) {
  Change set = Change::set("a", "1");
  set.expires = now.load() + 10s;
  ASSERT_TRUE(change(set));
  ASSERT_TRUE(database->compact());
  EXPECT_EQ(get("a"), "1");
  now = now.load() + 10s;
  ASSERT_TRUE(database->compact());
  EXPECT_TRUE(database->stores()->empty());
}

TEST_F(KvStore, PagesOfKeysFollowEachOtherAndStayWithinTheirPrefix) {
  for (const char* key : {"a", "user/1", "user/2", "user/3", "user0", "z"}) {
    ASSERT_TRUE(set(key, "x"));
  }
  EXPECT_EQ(list({}), "a user/1 user/2 user/3 user0 z ");
  EXPECT_EQ(list({.prefix = "user/"}), "user/1 user/2 user/3 ");
  EXPECT_EQ(list({.prefix = "user/", .limit = 2}), "user/1 user/2 …");
  EXPECT_EQ(list({.prefix = "user/", .after = "user/2", .limit = 2}), "user/3 ");
  EXPECT_EQ(list({.after = "user/2", .limit = 1}), "user/3 …");
  EXPECT_EQ(list({.prefix = "nobody"}), "");
  EXPECT_EQ(list({.prefix = "user/", .after = "z"}), "") << "a cursor from elsewhere leads nowhere";
  EXPECT_EQ(list({.prefix = "user/", .after = "a"}), "user/1 user/2 user/3 ");
}

TEST_F(KvStore, AWriteWithAConditionHappensOnceForEachRevision) {
  const uint64_t revision = set("a", "1")->revision;
  Change swap = Change::set("a", "2");
  swap.expected = revision;
  EXPECT_TRUE(change(swap)->applied);
  EXPECT_FALSE(change(swap)->applied) << "the revision is another one now";
  EXPECT_EQ(get("a"), "2");
  Change create = Change::set("b", "1");
  create.expected = 0;
  EXPECT_TRUE(change(create)->applied);
  EXPECT_FALSE(change(create)->applied);
}

TEST_F(KvStore, AWriteHappensAsAWholeOrNotAtAll) {
  ASSERT_TRUE(set("a", "1"));
  Change refused = Change::set("b", "1");
  refused.expected = 99;
  EXPECT_FALSE(write({Change::set("a", "2"), refused})->applied);
  EXPECT_EQ(get("a"), "1");
  const auto failed = write({Change::set("a", "3"), Change::increment("a", 1)});
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(get("a"), "1");
}

TEST_F(KvStore, OfManyWritesWithOneConditionOneHappens) {
  const uint64_t revision = set("a", "start")->revision;
  constexpr size_t kWriters = 50;
  std::vector<std::optional<Result<Written>>> results(kWriters);
  for (size_t i = 0; i < kWriters; ++i) {
    Change swap = Change::set("a", std::to_string(i));
    swap.expected = revision;
    Write changes{swap};
    loop.start(store->write(std::move(changes)), results[i]);
  }
  loop.finish();
  size_t applied = 0;
  for (size_t i = 0; i < kWriters; ++i) {
    if ((*results[i])->applied) {
      ++applied;
      EXPECT_EQ(get("a"), std::to_string(i));
    }
  }
  EXPECT_EQ(applied, 1);
}

TEST_F(KvStore, IncrementsAddUpHoweverManyComeAtOnce) {
  constexpr size_t kWriters = 200;
  std::vector<std::optional<Result<Written>>> results(kWriters);
  for (auto& result : results) {
    Write changes{Change::increment("n", 2), Change::increment("n", 1)};
    loop.start(store->write(std::move(changes)), result);
  }
  loop.finish();
  std::vector<int64_t> sums;
  for (const auto& result : results) {
    ASSERT_EQ((*result)->sums.size(), 2);
    EXPECT_EQ((*result)->sums[0] + 1, (*result)->sums[1]);
    sums.push_back((*result)->sums[1]);
  }
  std::sort(sums.begin(), sums.end());
  for (size_t i = 0; i < kWriters; ++i) EXPECT_EQ(sums[i], static_cast<int64_t>(3 * (i + 1)));
  EXPECT_EQ(get("n"), encode_number(3 * kWriters));
}

TEST_F(KvStore, AnIncrementKeepsMetadataAndExpiry) {
  Change counter = Change::set("n", encode_number(5));
  counter.metadata = "m";
  counter.expires = now.load() + 10s;
  ASSERT_TRUE(change(counter));
  EXPECT_EQ(change(Change::increment("n", -7))->sums, std::vector<int64_t>{-2});
  const auto entry = *loop.run(store->get("n"));
  EXPECT_EQ(entry->metadata, "m");
  EXPECT_EQ(entry->expires, now.load() + 10s);
}

TEST_F(KvStore, AnIncrementOfWhatIsNoCounterOrOverflowsIsRefused) {
  ASSERT_TRUE(set("text", "hello"));
  EXPECT_EQ(change(Change::increment("text", 1)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(get("text"), "hello");
  ASSERT_TRUE(change(Change::increment("n", std::numeric_limits<int64_t>::max())));
  EXPECT_EQ(change(Change::increment("n", 1)).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(change(Change::increment("m", std::numeric_limits<int64_t>::min())));
  EXPECT_EQ(change(Change::increment("m", -1)).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(KvStore, KeysAndValuesBeyondTheLimitsAreRefused) {
  const std::string longest(limits::kKvKeyBytesMax, 'k');
  EXPECT_TRUE(set(longest, "1"));
  EXPECT_EQ(get(longest), "1");
  EXPECT_EQ(set(longest + "k", "1").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(set("", "1").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->try_get(longest + "k")->error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store->try_get("")->error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(set("v", std::string(limits::kKvValueBytesMax, 'v')));
  EXPECT_EQ(set("v", std::string(limits::kKvValueBytesMax + 1, 'v')).error().code,
            ErrorCode::kInvalidArgument);
  Change described = Change::set("m", "");
  described.metadata = std::string(limits::kKvMetadataBytesMax + 1, 'm');
  EXPECT_EQ(change(described).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write(Write(limits::kKvChangesMax + 1, Change::set("a", ""))).error().code,
            ErrorCode::kInvalidArgument);
  const Change large = Change::set("a", std::string(limits::kKvValueBytesMax, 'v'));
  EXPECT_EQ(write(Write(3, large)).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(KvStore, KeysWithZeroBytesReachNoOtherStore) {
  const auto other = *database->store({"app", "x"});
  ASSERT_TRUE(set(std::string("x\0y", 3), "mine"));
  EXPECT_FALSE(*loop.run(other->get("y")));
  EXPECT_EQ(get(std::string("x\0y", 3)), "mine");
  EXPECT_FALSE(database->store({std::string("app\0default", 11), "x"}));
  EXPECT_FALSE(database->store({"app", ""}));
  EXPECT_FALSE(database->store({std::string(limits::kKvStoreNameBytesMax + 1, 'a'), "x"}));
}

TEST(KvEntry, WhatIsNoEntryIsNotReadAsOne) {
  const std::string bytes =
      encode_entry({.revision = 7, .expires = std::nullopt, .metadata = "m", .value = "value"});
  const auto entry = decode_entry(bytes);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->value, "value");
  for (size_t size = 0; size < 22; ++size) {
    EXPECT_FALSE(decode_entry(std::string_view(bytes).substr(0, size))) << size;
  }
  std::string other_format = bytes;
  other_format[0] = 2;
  EXPECT_FALSE(decode_entry(other_format));
  std::string long_metadata = bytes;
  long_metadata[17] = '\x7f';
  EXPECT_FALSE(decode_entry(long_metadata));
}

}  // namespace

}  // namespace cusp::store::kv
