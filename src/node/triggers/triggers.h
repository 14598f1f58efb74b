#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/app_table.h"
#include "node/triggers/counters.h"
#include "store/stores.h"

namespace cusp::node::triggers {

struct Place;
struct Running;

// Starts the components of a node's apps for queues and by the clock, beside the requests that come
// from outside. Its functions are called from one thread, not a shard's.
class Triggers {
 public:
  // All outlive it. The handlers of `places` are used on their shards until the loops end.
  Triggers(store::Stores& stores, Counters& counters, std::vector<Place> places);
  ~Triggers();
  Triggers(const Triggers&) = delete;
  Triggers& operator=(const Triggers&) = delete;

  // What runs from now on; invocations under way go on. Blocks where a queue is opened. Errors:
  // those of Stores; what ran before goes on then.
  Result<> set_apps(const std::shared_ptr<const AppTable>& apps);

  // Starts nothing more, and waits for what is under way, at most so long.
  void stop(std::chrono::milliseconds deadline);

 private:
  Result<> add(const std::shared_ptr<const Deployment>& deployment,
               const std::shared_ptr<Running>& running);
  const Place& next_place();

  store::Stores& stores_;
  Counters& counters_;
  const std::vector<Place> places_;
  size_t next_place_ = 0;
  std::shared_ptr<Running> running_;  // shared with the coroutines; null: nothing was set
  // By what tells a cron trigger from others; shared with the runs.
  std::map<std::string, std::shared_ptr<std::atomic<bool>>> under_way_;
};

}  // namespace cusp::node::triggers
