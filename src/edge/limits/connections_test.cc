#include "edge/limits/connections.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace cusp::edge {
namespace {

Address address(std::string_view text) { return *parse_address(text); }

TEST(ConnectionCounts, AdmitsAsManyAsThePolicySays) {
  ConnectionCounts counts;
  counts.set_policy({.per_client_max = 2});
  EXPECT_TRUE(counts.enter(address("192.0.2.1")));
  EXPECT_TRUE(counts.enter(address("192.0.2.1")));
  EXPECT_FALSE(counts.enter(address("192.0.2.1")));
  EXPECT_TRUE(counts.enter(address("192.0.2.2")));
  counts.leave(address("192.0.2.1"));
  EXPECT_TRUE(counts.enter(address("192.0.2.1")));
  EXPECT_EQ(counts.open(address("192.0.2.1")), 2u);
}

TEST(ConnectionCounts, TakesASixtyFourForOneClient) {
  ConnectionCounts counts;
  counts.set_policy({.per_client_max = 1});
  EXPECT_TRUE(counts.enter(address("2001:db8::1")));
  EXPECT_FALSE(counts.enter(address("2001:db8::2")));
  EXPECT_TRUE(counts.enter(address("2001:db8:0:1::1")));
}

TEST(ConnectionCounts, LeavesProxiesAlone) {
  ConnectionCounts counts;
  counts.set_policy({.per_client_max = 1, .exempt = {*parse_address_block("10.0.0.0/8")}});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(counts.enter(address("10.1.2.3")));
  EXPECT_TRUE(counts.enter(address("11.1.2.3")));
  EXPECT_FALSE(counts.enter(address("11.1.2.3")));
}

TEST(ConnectionCounts, ANewPolicyCountsWhatIsOpen) {
  ConnectionCounts counts;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(counts.enter(address("192.0.2.1")));
  counts.set_policy({.per_client_max = 3});
  EXPECT_FALSE(counts.enter(address("192.0.2.1")));
  for (int i = 0; i < 3; ++i) counts.leave(address("192.0.2.1"));
  EXPECT_TRUE(counts.enter(address("192.0.2.1")));
}

TEST(ConnectionCounts, LeavingWhatNeverCameChangesNothing) {
  ConnectionCounts counts;
  counts.set_policy({.per_client_max = 1});
  counts.leave(address("192.0.2.1"));
  EXPECT_EQ(counts.open(address("192.0.2.1")), 0u);
  EXPECT_TRUE(counts.enter(address("192.0.2.1")));
  EXPECT_FALSE(counts.enter(address("192.0.2.1")));
}

TEST(ConnectionCounts, ThreadsTogetherGetTheLimitExactly) {
  ConnectionCounts counts;
  counts.set_policy({.per_client_max = 100});
  std::atomic<int> most = 0, inside = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (!counts.enter(address("192.0.2.1"))) continue;
        const int now = ++inside;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        if (i % 2 == 0) std::this_thread::yield();
        --inside;
        counts.leave(address("192.0.2.1"));
      }
    });
  }
  threads.clear();
  EXPECT_LE(most, 100);
  EXPECT_EQ(counts.open(address("192.0.2.1")), 0u);
}

}  // namespace
}  // namespace cusp::edge
