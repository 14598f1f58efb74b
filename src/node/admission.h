#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/limits.h"

namespace cusp::node {

// How many invocations of one component may run at once, over all shards, and how many more may
// wait.
class Admission {
 public:
  Admission(uint32_t concurrency_max, uint32_t queue_max)
      : concurrency_max_(concurrency_max), queue_max_(queue_max) {}

  // Takes a place if there is one. Any thread.
  bool try_enter() {
    uint32_t running = running_.load(std::memory_order_relaxed);
    while (running < concurrency_max_) {
      if (running_.compare_exchange_weak(running, running + 1, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  void leave() { running_.fetch_sub(1, std::memory_order_relaxed); }

  // Takes a place in the queue if there is one. Any thread.
  bool try_queue() {
    if (waiting_.fetch_add(1, std::memory_order_relaxed) < queue_max_) return true;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void unqueue() { waiting_.fetch_sub(1, std::memory_order_relaxed); }
  // How long a client may keep a place for nothing; nothing: nobody else wants it.
  std::optional<std::chrono::nanoseconds> patience() const {
    const uint32_t waiting = waiting_.load(std::memory_order_relaxed);
    if (waiting == 0) return std::nullopt;
    return waiting < queue_max_ ? limits::kSlowClient : limits::kSlowClientMin;
  }
  bool has_queue() const { return waiting_.load(std::memory_order_relaxed) > 0; }

  uint32_t running() const { return running_.load(std::memory_order_relaxed); }

 private:
  const uint32_t concurrency_max_;
  const uint32_t queue_max_;
  std::atomic<uint32_t> running_ = 0;
  std::atomic<uint32_t> waiting_ = 0;
};

}  // namespace cusp::node
