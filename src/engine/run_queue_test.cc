#include "engine/run_queue.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "io/asio.h"

namespace cusp::engine {
namespace {

class RunQueueTest : public testing::Test {
 protected:
  // A guest that takes `slices` turns.
  void compute(char name, int slices) {
    queue_.add(loop_.get_executor(), [this, name, slices] {
      order_ += name;
      if (slices > 1) compute(name, slices - 1);
    });
  }

  io::asio::io_context loop_{1};
  RunQueue queue_;
  std::string order_;
};

TEST_F(RunQueueTest, GuestsTakeTurns) {
  compute('a', 3);
  compute('b', 1);
  compute('c', 2);
  loop_.run();
  EXPECT_EQ(order_, "abcaca");
}

TEST_F(RunQueueTest, OtherWorkOfTheLoopWaitsForOneTurnOnly) {
  for (const char name : {'a', 'b', 'c'}) compute(name, 2);
  std::function<void()> other = [&] {
    order_ += '!';
    if (order_.size() < 12) io::asio::post(loop_, other);
  };
  io::asio::post(loop_, other);
  loop_.run();
  EXPECT_EQ(order_, "a!b!c!a!b!c!");
}

TEST_F(RunQueueTest, WhatWaitsOutlivesTheQueue) {
  auto queue = std::make_unique<RunQueue>();
  int told = 0;
  queue->set_observer([&](std::chrono::nanoseconds) { ++told; });
  for (int i = 0; i < 3; ++i) queue->add(loop_.get_executor(), [this] { order_ += '.'; });
  loop_.run_one();
  queue.reset();
  loop_.run();
  EXPECT_EQ(order_, "...");
  EXPECT_EQ(told, 1);
}

TEST_F(RunQueueTest, TellsHowLongATurnHasWaited) {
  std::vector<std::chrono::nanoseconds> waits;
  queue_.set_observer([&](std::chrono::nanoseconds wait) { waits.push_back(wait); });
  queue_.add(loop_.get_executor(), [] {
    const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (std::chrono::steady_clock::now() < over) continue;
  });
  compute('b', 1);
  loop_.run();
  ASSERT_EQ(waits.size(), 2);
  EXPECT_GE(waits[1], std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace cusp::engine
