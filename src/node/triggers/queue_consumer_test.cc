#include "node/triggers/queue_consumer.h"

#include <gtest/gtest.h>

namespace cusp::node::triggers {
namespace {

using namespace std::chrono_literals;

const app::QueueTrigger kTrigger{.retry_delay = 1s, .retry_delay_max = 1min};

TEST(RetryDelay, DoublesUpToItsMaximum) {
  for (const auto& [deliveries, delay] : std::initializer_list<std::pair<uint32_t, int64_t>>{
           {1, 1000}, {2, 2000}, {3, 4000}, {6, 32'000}, {7, 60'000}, {1000, 60'000}}) {
    EXPECT_EQ(retry_delay(kTrigger, deliveries, 0.5).count(), delay) << deliveries;
  }
}

TEST(RetryDelay, VariesByAQuarter) {
  EXPECT_EQ(retry_delay(kTrigger, 2, 0), 1500ms);
  EXPECT_EQ(retry_delay(kTrigger, 2, 1), 2500ms);
}

TEST(Bell, WakesOneThatWaitsAndForgetsWhoHasGone) {
  io::asio::io_context loop;
  const auto bell = std::make_shared<Bell>();
  int woken = 0;
  const auto wait = [&](std::chrono::milliseconds most) -> io::Task<void> {
    const auto began = std::chrono::steady_clock::now();
    co_await Bell::wait(bell, loop.get_executor(), most);
    woken += std::chrono::steady_clock::now() - began < most;
  };
  for (int i = 0; i < 2; ++i) {
    io::asio::co_spawn(loop, wait(10s), io::asio::detached);
  }
  io::asio::co_spawn(loop, wait(1ms), io::asio::detached);
  loop.run_for(50ms);
  bell->ring();
  loop.run_for(50ms);
  EXPECT_EQ(woken, 1);
  bell->ring();
  bell->ring();  // for nobody
  loop.run_for(50ms);
  EXPECT_EQ(woken, 2);
}

TEST(Bell, OutlivesTheShardsThatWaitForIt) {
  const auto bell = std::make_shared<Bell>();
  {
    io::asio::io_context loop;
    io::asio::co_spawn(loop, Bell::wait(bell, loop.get_executor(), 10s), io::asio::detached);
    loop.run_for(10ms);
  }
  bell->ring();  // for nobody
}

}  // namespace
}  // namespace cusp::node::triggers
