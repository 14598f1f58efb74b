#include "edge/limits/load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "io/asio.h"

namespace cusp::edge {
namespace {

using namespace std::chrono_literals;

constexpr auto kTarget = 20ms;

// Lives through intervals in each of which the waits are these; tells how many of 1000 requests are
// turned away after that.
class Overload {
 public:
  explicit Overload(Load::Queue queue = Load::Queue::kLoop) : queue_(queue) {}

  void intervals(int count, std::vector<std::chrono::nanoseconds> waits) {
    for (int i = 0; i < count; ++i) {
      for (const auto wait : waits) load_.waited(queue_, wait, now_);
      load_.sheds(kTarget, false, now_);  // somebody asks
      now_ += Load::kInterval;
    }
  }
  int shed(bool favoured = false) {
    int shed = 0;
    for (int i = 0; i < 1000; ++i) shed += load_.sheds(kTarget, favoured, now_);
    return shed;
  }

 private:
  const Load::Queue queue_;
  Load load_;
  Load::Clock::time_point now_ = Load::Clock::now();
};

TEST(Load, NobodyIsTurnedAwayWhileWaitsAreShort) {
  Overload overload;
  EXPECT_EQ(overload.shed(), 0);
  overload.intervals(50, {1ms, 19ms});
  EXPECT_EQ(overload.shed(), 0);
}

TEST(Load, ABurstIsNoOverload) {
  Overload overload;
  overload.intervals(50, {500ms, 300ms, 1ms});
  EXPECT_EQ(overload.shed(), 0);
}

TEST(Load, AStandingQueueTurnsMoreAndMoreAway) {
  Overload overload;
  overload.intervals(3, {40ms, 60ms});
  const int early = overload.shed();
  EXPECT_GT(early, 100);
  overload.intervals(3, {40ms, 60ms});
  EXPECT_GT(overload.shed(), early);
  overload.intervals(100, {2s});
  const int late = overload.shed();
  EXPECT_GT(late, 900);
  EXPECT_LT(late, 1000);  // some always pass
}

TEST(Load, GuestsThatComputeAreAQueueOfTheirOwn) {
  Overload guests(Load::Queue::kGuests);
  guests.intervals(100, {200ms, 300ms});
  EXPECT_GT(guests.shed(), 900);
  Load load;  // whose loop is as quick as ever beside them
  auto now = Load::Clock::now();
  for (int i = 0; i < 100; ++i) {
    load.waited(Load::Queue::kLoop, 1ms, now);
    load.waited(Load::Queue::kGuests, 200ms, now);
    load.sheds(kTarget, false, now += Load::kInterval);
  }
  EXPECT_EQ(load.standing_wait(), 200ms);
}

TEST(Load, ALoopTooBusyToMeasureItselfIsNoIdleOne) {
  Load load;
  auto now = Load::Clock::now();
  for (int i = 0; i < 30; ++i) {  // a probe each second, requests all the time
    load.waited(Load::Queue::kLoop, 900ms, now);
    load.expect_probe(now + Load::kProbe);
    for (int k = 0; k < 10; ++k) load.sheds(kTarget, false, now += Load::kInterval);
  }
  int shed = 0;
  for (int i = 0; i < 1000; ++i) shed += load.sheds(kTarget, false, now);
  EXPECT_GT(shed, 900);
}

TEST(Load, TheFavouredGoLast) {
  Overload overload;
  overload.intervals(2, {40ms});
  EXPECT_GT(overload.shed(false), 100);
  EXPECT_EQ(overload.shed(true), 0);
  overload.intervals(100, {40ms});
  EXPECT_GT(overload.shed(false), 900);
  EXPECT_GT(overload.shed(true), 500);
}

TEST(Load, ItIsOverSoonAfterTheQueueIs) {
  Overload overload;
  overload.intervals(100, {2s});
  overload.intervals(12, {1ms});
  EXPECT_EQ(overload.shed(), 0);
  overload.intervals(100, {2s});
  overload.intervals(12, {});  // nothing waits at all
  EXPECT_EQ(overload.shed(), 0);
}

TEST(Load, MeasuresHowLateALoopIs) {
  io::asio::io_context loop;
  auto load = std::make_shared<Load>();
  io::asio::co_spawn(loop, Load::watch(load, loop.get_executor()), io::asio::detached);
  std::chrono::nanoseconds longest{0};
  for (int i = 0; i < 100 && longest < 20ms; ++i) {
    loop.run_for(1ms);
    std::this_thread::sleep_for(40ms);  // what a guest that holds the shard does
    longest = std::max(longest, load->standing_wait());
  }
  EXPECT_GT(longest, 20ms);
  EXPECT_LT(longest, 2s);
}

}  // namespace
}  // namespace cusp::edge
