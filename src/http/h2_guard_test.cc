#include "http/h2_guard.h"

#include <gtest/gtest.h>

namespace cusp::http {
namespace {

using namespace std::chrono_literals;

const TokenBucket::Clock::time_point kStart{1h};

TEST(TokenBucket, GivesItsBurstAndNoMore) {
  TokenBucket bucket(3, 10);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart));
}

TEST(TokenBucket, RefillsWithTimeUpToItsBurst) {
  TokenBucket bucket(3, 10);
  for (int i = 0; i < 4; ++i) bucket.take(kStart);
  EXPECT_FALSE(bucket.take(kStart + 50ms));
  EXPECT_TRUE(bucket.take(kStart + 110ms));
  EXPECT_FALSE(bucket.take(kStart + 110ms));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(kStart + 1h));
  EXPECT_FALSE(bucket.take(kStart + 1h));
}

TEST(TokenBucket, TimeThatStandsStillOrGoesBackRefillsNothing) {
  TokenBucket bucket(1, 1000);
  EXPECT_TRUE(bucket.take(kStart + 1s));
  EXPECT_FALSE(bucket.take(kStart + 1s));
  EXPECT_FALSE(bucket.take(kStart));
}

TEST(TokenBucket, WhatIsGivenBackCanBeTakenAgainUpToTheBurst) {
  TokenBucket bucket(2, 0);
  bucket.take(kStart);
  bucket.give(100);
  EXPECT_TRUE(bucket.take(kStart));
  EXPECT_TRUE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart));
}

TEST(H2Guard, ControlFramesInStepWithUsefulOnesAreNeverAFlood) {
  H2Guard guard;
  for (int i = 0; i < 100'000; ++i) {
    guard.useful_frame();
    ASSERT_TRUE(guard.control_frame(kStart));
    ASSERT_TRUE(guard.control_frame(kStart));
  }
}

TEST(H2Guard, ControlFramesAloneAreAFlood) {
  H2Guard guard;
  int taken = 0;
  while (taken < 10'000 && guard.control_frame(kStart)) ++taken;
  EXPECT_EQ(taken, 1000);
}

TEST(H2Guard, ResetsAndFaultsHaveBudgetsOfTheirOwn) {
  H2Guard guard;
  int resets = 0;
  int faults = 0;
  while (resets < 10'000 && guard.reset_by_peer(kStart)) ++resets;
  while (faults < 10'000 && guard.fault_of_peer(kStart)) ++faults;
  EXPECT_EQ(resets, 200);
  EXPECT_EQ(faults, 100);
  EXPECT_TRUE(guard.control_frame(kStart));
}

}  // namespace
}  // namespace cusp::http
