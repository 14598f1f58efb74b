#pragma once

#include <atomic>
#include <memory>

#include "app/triggers.h"
#include "io/task.h"
#include "node/triggers/counters.h"
#include "node/triggers/running.h"

namespace cusp::node::triggers {

struct CronWork {
  std::shared_ptr<const Deployment> deployment;
  app::CronTrigger trigger;
  std::shared_ptr<std::atomic<bool>> under_way;  // shared with the same trigger of other tables
  Counters& counters;                            // outlives it
};

// Calls a component at each time of its schedule until `running` is stopped. A time that has passed
// while nothing ran is skipped.
io::Task<void> keep_time(Place place, std::shared_ptr<Running> running,
                         std::shared_ptr<const CronWork> work);

}  // namespace cusp::node::triggers
