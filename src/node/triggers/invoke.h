#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/task.h"
#include "node/app_handler.h"

namespace cusp::node::triggers {

// A request that nobody outside has made: a POST to a component.
struct Call {
  std::string component;
  std::string path;
  std::string name;  // for the log: "queue jobs"
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

struct Outcome {
  uint16_t status = 0;
  std::string body;    // its first kAnswerBytesMax bytes
  std::string reason;  // why it counts as failed: "answered 500"; empty: it does not

  bool done() const { return reason.empty(); }
};

inline constexpr size_t kAnswerBytesMax = 64 * 1024;

// Runs the component to the end of its response, with its limits. Done when the status is 2xx. On
// the handler's shard; `handler` outlives it.
io::Task<Outcome> invoke(AppHandler& handler, std::shared_ptr<const Deployment> deployment,
                         Call call);

}  // namespace cusp::node::triggers
