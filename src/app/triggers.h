#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "app/cron.h"
#include "base/limits.h"

namespace cusp {
class TableReader;
}

// What starts components besides requests from outside: [[trigger.queue]] and [[trigger.cron]].
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

// Reads [[trigger.…]] of cusp.toml into `app`, whose components are read.
void read_triggers(TableReader& root, App& app);

}  // namespace cusp::app
