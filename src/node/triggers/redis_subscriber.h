#pragma once

#include <memory>

#include "io/task.h"
#include "node/deployment.h"
#include "node/triggers/counters.h"
#include "node/triggers/running.h"

namespace cusp::node::triggers {

struct RedisWork {
  std::shared_ptr<const Deployment> deployment;
  const RedisSubscription& subscription;  // the deployment's
  Counters& counters;                     // outlives it
};

// Gives a component what is published in a channel, one message after the other, until `running` is
// stopped. A connection that was lost is made again, after 1 s to 30 s; what was published
// meanwhile is lost, for Redis keeps none of it.
io::Task<void> listen(Place place, std::shared_ptr<Running> running,
                      std::shared_ptr<const RedisWork> work);

}  // namespace cusp::node::triggers
