#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "app/cron.h"
#include "base/limits.h"

namespace cusp {
class TableReader;
class Value;
}  // namespace cusp

// What starts components besides requests from outside: [[trigger.queue]], [[trigger.cron]]
// and [[trigger.redis]].
namespace cusp::app {

struct App;

// The component gets a POST for each message or batch (docs/formats/cusp-toml.md).
struct QueueTrigger {
  std::string queue;
  std::string component;  // a Component::id
  std::string path = "/";
  uint32_t batch_size = 1;   // messages in one request
  uint32_t concurrency = 1;  // requests at once
  uint32_t max_deliveries = limits::kQueueDeliveries;
  std::chrono::milliseconds visibility_timeout = limits::kQueueVisibility;
  std::chrono::milliseconds retry_delay = limits::kQueueRetryDelay;  // doubles with each try
  std::chrono::milliseconds retry_delay_max = limits::kQueueRetryDelayMax;
  std::string place;

  bool operator==(const QueueTrigger&) const = default;
};

// The component gets a POST at each of those times.
struct CronTrigger {
  std::string schedule;  // as written
  Cron cron;
  std::string component;
  std::string path = "/";
  bool overlap = false;  // also while the run before goes on
  std::string place;
};

// The component gets what is published in a channel of a Redis server, while the node listens.
struct RedisTrigger {
  std::string address;  // as written, may hold templates: "redis://{{ user }}@cache.example/0"
  std::string channel;  // the same
  std::string component;
  std::string path = "/";
  std::string place;
};

// What `schedule` says and `value` is the place of, into `trigger`; errors go there.
void read_schedule(const Value& value, std::string schedule, CronTrigger& trigger);
// The keys "address" and "channel"; `fallback` is the address of a trigger without one.
void read_redis(TableReader& table, const std::string& fallback, RedisTrigger& trigger);

// Reads [[trigger.…]] of cusp.toml into `app`, whose components are read.
void read_triggers(TableReader& root, App& app);

}  // namespace cusp::app
