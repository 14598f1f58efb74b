#include "edge/cache/status.h"

#include <gtest/gtest.h>

namespace cusp::edge::cache {

namespace {

TEST(CacheStatus, SaysWhatHappenedInTheFormOfItsRfc) {
  EXPECT_EQ(to_field({.hit = true, .ttl = Seconds(30)}, "pop-a"), "\"pop-a\"; hit; ttl=30");
  EXPECT_EQ(to_field({.forward = Status::Forward::kStale,
                      .forward_status = 304,
                      .ttl = Seconds(60),
                      .stored = true,
                      .collapsed = true},
                     "pop-a"),
            "\"pop-a\"; fwd=stale; fwd-status=304; ttl=60; stored; collapsed");
  EXPECT_EQ(to_field({.forward = Status::Forward::kUriMiss, .detail = "no-store"}, "a", "k\"\r\n"),
            "\"a\"; fwd=uri-miss; key=\"k\\\"??\"; detail=no-store");
}

TEST(CacheStatus, OneWordIsForMetrics) {
  EXPECT_EQ(Status({.hit = true, .ttl = Seconds(1)}).word(), "hit");
  EXPECT_EQ(Status({.hit = true, .ttl = Seconds(-1)}).word(), "stale");
  EXPECT_EQ(Status({.forward = Status::Forward::kMethod}).word(), "bypass");
  EXPECT_EQ(Status({.forward = Status::Forward::kUriMiss}).word(), "miss");
  EXPECT_EQ(Status({.forward = Status::Forward::kUriMiss, .collapsed = true}).word(), "collapsed");
  EXPECT_EQ(Status({.forward = Status::Forward::kStale, .forward_status = 304}).word(),
            "revalidated");
}

}  // namespace

}  // namespace cusp::edge::cache
