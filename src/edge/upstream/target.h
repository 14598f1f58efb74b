#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cusp::edge {

// One server of an upstream, and how it is doing. The counters are shared by all shards.
class Target {
 public:
  using Clock = std::chrono::steady_clock;

  // When failures of requests take a target out, and for how long (passive health checks).
  struct Ejection {
    uint32_t failures = 5;  // in a row; 0: never
    std::chrono::milliseconds duration{30'000};
  };

  std::string scheme;     // "http" or "https"
  std::string authority;  // "api.example.com:8443"
  std::string host;       // without port and brackets
  uint16_t port = 0;
  uint32_t weight = 1;

  // Whether it may get requests: not said to be down by a check, not ejected.
  bool available(Clock::time_point now) const;

  void begin() { running_.fetch_add(1, std::memory_order_relaxed); }
  void end() { running_.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t running() const { return running_.load(std::memory_order_relaxed); }

  // The outcome of a request. True when this ejects the target.
  bool failed(const Ejection& ejection, Clock::time_point now);
  void succeeded();
  // The outcome of active checks.
  void set_healthy(bool healthy) { healthy_.store(healthy, std::memory_order_relaxed); }
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> running_ = 0;
  std::atomic<uint32_t> failures_ = 0;  // in a row
  std::atomic<Clock::time_point::rep> ejected_until_ = 0;
  std::atomic<bool> healthy_ = true;
};

// Reads "https://api.example.com:8443", without a path; nothing for anything else.
std::unique_ptr<Target> parse_target(std::string_view url);

enum class Balance : uint8_t {
  kLeastLoaded,  // the target with the fewest requests for its weight
  kWeighted,     // in turn, each as often as its weight says
};

// Chooses among the targets of an upstream. Thread-safe.
class Balancer {
 public:
  Balancer(Balance balance, std::vector<std::unique_ptr<Target>> targets);

  // A target that is available and not one of `tried`; when all others are down too, any of those
  // that were not tried: a check may be wrong about all of them. Null: each has been tried.
  Target* pick(std::span<Target* const> tried, Target::Clock::time_point now);

  std::span<const std::unique_ptr<Target>> targets() const { return targets_; }

 private:
  Target* pick_among(std::span<Target* const> candidates, uint64_t turn) const;

  const Balance balance_;
  const std::vector<std::unique_ptr<Target>> targets_;
  std::atomic<uint64_t> turn_ = 0;
};

}  // namespace cusp::edge
