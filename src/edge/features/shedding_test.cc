#include <gtest/gtest.h>

#include "edge/cache/cache.h"
#include "edge/limits/load.h"
#include "edge/test_edge.h"

namespace cusp::edge {
namespace {

using namespace std::chrono_literals;
using testing::problem_of;
using testing::TestEdge;

// Makes the load one of `wait` for as long as it takes to be believed.
void overload(TestEdge& edge, Load& load, std::chrono::milliseconds wait) {
  auto now = Load::Clock::now() - 40 * Load::kInterval;
  for (int i = 0; i < 39; ++i, now += Load::kInterval) {
    load.waited(Load::Queue::kLoop, wait, now);
    load.sheds(20ms, false, now);
  }
  edge.set_load(&load);
}

int passed(TestEdge& edge, int count, const std::string& target = "/") {
  int passed = 0;
  for (int i = 0; i < count; ++i) passed += edge.get(target).status == 200;
  return passed;
}

TEST(Shedding, TurnsRequestsAwayThatAnOverloadedShardCannotServe) {
  TestEdge edge("shedding = true");
  Load load;
  overload(edge, load, 500ms);
  const int served = passed(edge, 100);
  EXPECT_GT(served, 0);
  EXPECT_LT(served, 20);
  EXPECT_EQ(edge.fetches(), static_cast<size_t>(served));
  auto response = edge.get("/");
  while (response.status == 200) response = edge.get("/");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields.get("retry-after"), "1");
  EXPECT_EQ(response.fields.get("cache-control"), "no-store");
}

TEST(Shedding, LetsAHealthyShardAlone) {
  TestEdge edge("shedding = true");
  EXPECT_EQ(passed(edge, 100), 100);  // nobody measures
  Load load;
  overload(edge, load, 2ms);
  EXPECT_EQ(passed(edge, 100), 100);
}

TEST(Shedding, WhatTheCacheHasIsServedNevertheless) {
  auto cache = cache::Cache::open({});
  ASSERT_TRUE(cache);
  TestEdge edge(
      R"(shedding = true
         cache = { ttl = "1h" })",
      {}, {.directory = ".", .app = "shop", .cache = cache->get()});
  ASSERT_EQ(passed(edge, 1, "/kept"), 1);
  Load load;
  overload(edge, load, 500ms);
  EXPECT_EQ(passed(edge, 200, "/kept"), 200);
  int others = 0;
  for (int i = 0; i < 100; ++i) others += passed(edge, 1, "/other" + std::to_string(i));
  EXPECT_LT(others, 20);
}

TEST(Shedding, RefusesWhatIsNoTarget) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"shedding = {}", "'target'"},
      {"shedding = 7", "table"},
      {R"(shedding = { target = "0s" })", "between"},
      {R"(shedding = { target = "1h" })", "between"},
      {R"(shedding = { target = 20 })", "target"},
      {R"(shedding = { taget = "20ms" })", "did you mean 'target'"},
  };
  for (const auto& [text, expected] : kWrong) {
    const std::string problem = problem_of(text);
    EXPECT_NE(problem.find(expected), problem.npos) << text << " → " << problem;
  }
}

}  // namespace
}  // namespace cusp::edge
