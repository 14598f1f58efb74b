#include "edge/limits/limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "edge/limits/client_key.h"

namespace cusp::edge {
namespace {

using namespace std::chrono_literals;
using Time = Limiter::Clock::time_point;

class LimiterTest : public ::testing::TestWithParam<Algorithm> {
 protected:
  Limiter make(uint32_t limit, std::chrono::nanoseconds window, size_t keys_max = 1024) {
    return Limiter(
        {.algorithm = GetParam(), .limit = limit, .window = window, .keys_max = keys_max});
  }
  const Time start_ = Limiter::Clock::now() + 1s;
};

TEST_P(LimiterTest, AdmitsTheLimitAndNoMore) {
  Limiter limiter = make(5, 7s);
  for (uint32_t i = 0; i < 5; ++i) {
    const auto verdict = limiter.take("a", start_);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.remaining, 4 - i);
    EXPECT_GT(verdict.reset, 0s);
  }
  const auto refused = limiter.take("a", start_);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0u);
  EXPECT_TRUE(limiter.take("b", start_).allowed);
}

TEST_P(LimiterTest, AdmitsAgainWhenItSaidItWould) {
  Limiter limiter = make(3, 7s);
  Time now = start_;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(limiter.take("a", now += 100ms).allowed);
  for (int i = 0; i < 20; ++i) {
    const auto refused = limiter.take("a", now);
    ASSERT_FALSE(refused.allowed);
    ASSERT_GT(refused.retry, 0s);
    EXPECT_FALSE(limiter.take("a", now + refused.retry - 1ns).allowed);
    now += refused.retry;
    EXPECT_TRUE(limiter.take("a", now).allowed) << i;
    while (limiter.take("a", now).allowed) {
    }
  }
}

TEST_P(LimiterTest, RefusalsCostNothing) {
  Limiter limiter = make(1, 1s);
  ASSERT_TRUE(limiter.take("a", start_).allowed);
  const auto first = limiter.take("a", start_);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limiter.take("a", start_ + 1ms).allowed);
  EXPECT_TRUE(limiter.take("a", start_ + first.retry).allowed);
}

TEST_P(LimiterTest, WhatIsGivenBackCanBeTakenAgain) {
  Limiter limiter = make(2, 10s);
  ASSERT_TRUE(limiter.take("a", start_).allowed);
  ASSERT_TRUE(limiter.take("a", start_).allowed);
  limiter.give_back("a");
  EXPECT_TRUE(limiter.take("a", start_).allowed);
  EXPECT_FALSE(limiter.take("a", start_).allowed);
  limiter.give_back("unknown");
  for (int i = 0; i < 100; ++i) limiter.give_back("a");
  EXPECT_TRUE(limiter.take("a", start_).allowed);
  EXPECT_TRUE(limiter.take("a", start_).allowed);
  EXPECT_FALSE(limiter.take("a", start_).allowed);
}

TEST_P(LimiterTest, ThreadsTogetherGetTheLimitExactly) {
  Limiter limiter = make(10'000, 1h, 64);
  std::atomic<int> allowed = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) allowed += limiter.take("a", start_).allowed;
    });
  }
  threads.clear();
  EXPECT_EQ(allowed, 10'000);
}

TEST_P(LimiterTest, AFloodOfKeysEvictsItselfAndNotTheBusy) {
  Limiter limiter = make(100, 1h, 256);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(limiter.take("abuser", start_).allowed);
  // A hundred times as many keys as there is room for, each used a few times.
  for (int i = 0; i < 25'600; ++i) {
    for (int n = 0; n < 3; ++n) limiter.take("flood" + std::to_string(i), start_ + 1ms);
  }
  EXPECT_FALSE(limiter.take("abuser", start_ + 2ms).allowed);
}

TEST_P(LimiterTest, ItsMemoryDoesNotGrow) {
  Limiter limiter = make(10, 1s, 1000);
  const size_t before = limiter.bytes();
  EXPECT_LE(before, 1024 * 64u);
  for (int i = 0; i < 100'000; ++i) limiter.take(std::to_string(i), start_);
  EXPECT_EQ(limiter.bytes(), before);
}

TEST_P(LimiterTest, AClockThatStandsBehindAnotherThreadsFreesNothing) {
  Limiter limiter = make(2, 7s);
  int allowed = 0;
  for (const auto late : {0ns, 1000ms + 0ns, 2000ms + 0ns, 0ns, 1h + 0ns, 0ns}) {
    allowed += limiter.take("a", start_ + 5s - late).allowed;
  }
  EXPECT_EQ(allowed, 2);
}

INSTANTIATE_TEST_SUITE_P(Both, LimiterTest,
                         ::testing::Values(Algorithm::kSlidingWindow, Algorithm::kTokenBucket),
                         [](const auto& info) {
                           return info.param == Algorithm::kTokenBucket ? "TokenBucket"
                                                                        : "SlidingWindow";
                         });

TEST(SlidingWindow, NoStretchOfAWindowHoldsMoreThanTheLimit) {
  Limiter limiter({.limit = 20, .window = 1s});
  std::vector<Time> admitted;
  Time now = Limiter::Clock::now();
  for (int i = 0; i < 5000; ++i) {
    now += std::chrono::microseconds(500 + i * 7919 % 4000);
    if (limiter.take("a", now).allowed) admitted.push_back(now);
  }
  ASSERT_GT(admitted.size(), 100u);
  for (size_t i = 20; i < admitted.size(); ++i) EXPECT_GE(admitted[i] - admitted[i - 20], 1s);
}

TEST(TokenBucket, TakesABurstAndThenTheRate) {
  Limiter limiter({.algorithm = Algorithm::kTokenBucket, .limit = 10, .window = 1s, .burst = 3});
  const Time start = Limiter::Clock::now();
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limiter.take("a", start).allowed;
  EXPECT_EQ(allowed, 3);
  for (int i = 1; i <= 1000; ++i) allowed += limiter.take("a", start + i * 1ms).allowed;
  EXPECT_EQ(allowed, 13);
}

TEST(KeyedHash, IsSipHash) {
  // The vector of the authors' paper, appendix A.
  std::string data;
  for (char c = 0; c < 15; ++c) data += c;
  EXPECT_EQ(keyed_hash({0x0706050403020100, 0x0f0e0d0c0b0a0908}, data), 0xa129ca6149be45e5);
  EXPECT_NE(random_hash_key(), random_hash_key());
}

TEST(ClientKey, IsTheAddressOrItsSixtyFour) {
  EXPECT_EQ(client_key("192.0.2.1"), client_key("::ffff:192.0.2.1"));
  EXPECT_NE(client_key("192.0.2.1"), client_key("192.0.2.2"));
  EXPECT_EQ(client_key("2001:db8::1"), client_key("2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_NE(client_key("2001:db8::1"), client_key("2001:db8:0:1::1"));
  EXPECT_NE(client_key("0.0.0.0"), client_key("::"));
  EXPECT_EQ(client_key("no address"), client_key(""));
}

}  // namespace
}  // namespace cusp::edge
