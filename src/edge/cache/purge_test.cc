#include "edge/cache/purge.h"

#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

Object make_object() {
  Object object;
  object.url = "https://example.com/a/b?c";
  object.name_space = "shop";
  object.tags = {"blue", "red"};
  return object;
}

TEST(Purge, NamesUrlPrefixTagOrEverythingOfOneApplicationOrAll) {
  using What = Purge::What;
  const Object object = make_object();
  EXPECT_TRUE(matches({.what = What::kUrl, .value = "https://example.com/a/b?c"}, object));
  EXPECT_FALSE(matches({.what = What::kUrl, .value = "https://example.com/a/b"}, object));
  EXPECT_TRUE(matches({.what = What::kPrefix, .value = "https://example.com/a"}, object));
  EXPECT_FALSE(matches({.what = What::kPrefix, .value = "http://example.com/a"}, object));
  EXPECT_TRUE(matches({.what = What::kTag, .value = "red"}, object));
  EXPECT_FALSE(matches({.what = What::kTag, .value = "re"}, object));
  EXPECT_TRUE(matches({.what = What::kEverything}, object));
  EXPECT_TRUE(matches({.what = What::kEverything, .name_space = "shop"}, object));
  EXPECT_FALSE(matches({.what = What::kEverything, .name_space = "other"}, object));
}

TEST(PurgeLog, TellsOfPurgesSinceAMoment) {
  PurgeLog log;
  const Object object = make_object();
  log.add({.what = Purge::What::kTag, .value = "red"});
  const uint64_t moment = log.now();
  EXPECT_FALSE(log.hit_since(moment, object));
  log.add({.what = Purge::What::kTag, .value = "green"});
  EXPECT_FALSE(log.hit_since(moment, object));
  log.add({.what = Purge::What::kTag, .value = "blue"});
  EXPECT_TRUE(log.hit_since(moment, object));
  EXPECT_FALSE(log.hit_since(log.now(), object));
}

TEST(PurgeLog, WhatItHasForgottenCountsAsAHit) {
  PurgeLog log;
  for (int i = 0; i < 20'000; ++i) log.add({.what = Purge::What::kTag, .value = "other"});
  EXPECT_TRUE(log.hit_since(0, make_object()));
  EXPECT_FALSE(log.hit_since(log.now() - 100, make_object()));
}

}  // namespace

}  // namespace cusp::edge::cache
