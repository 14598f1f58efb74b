#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "io/task.h"

namespace cusp::edge {

// How overloaded a shard is, after CoDel (RFC 8289): a queue is bad when even the shortest wait of
// an interval is long; a burst is not. There are two queues here: of the events of the shard's
// loop, and of the guests that compute and want another time slice. Belongs to one shard.
class Load {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{100};
  static constexpr std::chrono::milliseconds kProbe{5};  // how often the loop's delay is measured

  enum class Queue : uint8_t { kLoop, kGuests };

  // Notes how long something waited for its turn.
  void waited(Queue queue, std::chrono::nanoseconds time, Clock::time_point now = Clock::now());

  // Says when the next probe of the loop is due. Until it has run, it waits too: a loop that is too
  // busy to run it for an interval is no idle one.
  void expect_probe(Clock::time_point due) { probe_due_ = due; }

  // The shortest wait of the interval that ended last, in the worse of the two queues.
  std::chrono::nanoseconds standing_wait() const { return standing_; }

  // Whether to turn a request away, when waits above `target` are too long. The share that is
  // turned away grows with each bad interval and shrinks with each good one; those that `favoured`
  // says so of go only once more than half of the others do.
  bool sheds(std::chrono::nanoseconds target, bool favoured, Clock::time_point now = Clock::now());

  // Measures the delay of the shard's loop until the loop ends. `load` is shared with it.
  static io::Task<void> watch(std::shared_ptr<Load> load, io::Executor executor);

 private:
  void end_interval(Clock::time_point now);

  Clock::time_point interval_end_{};
  Clock::time_point probe_due_ = Clock::time_point::max();
  // Of this interval, by queue; nothing: nothing waited.
  std::array<std::optional<std::chrono::nanoseconds>, 2> least_;
  std::chrono::nanoseconds standing_{0};
  std::chrono::nanoseconds target_ = std::chrono::nanoseconds::max();  // that was asked for last
  double share_ = 0;                                                   // of requests to turn away
  double others_due_ = 0;  // parts of requests that are due to be turned away
  double favoured_due_ = 0;
};

}  // namespace cusp::edge
