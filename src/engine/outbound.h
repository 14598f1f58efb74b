#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "http/client.h"
#include "http/message.h"
#include "io/task.h"

namespace cusp::engine {

// A request that a guest sends: read it, send it, answer it. Belongs to the shard of its invocation
// and may outlive that; then what is done to it has no effect. Unanswered when destroyed: the guest
// sees a broken connection.
class Outbound {
 public:
  virtual ~Outbound() = default;

  // The request, once. Its body reads from the guest; this object outlives it.
  virtual http::Request take_request() = 0;
  // The guest's own time-outs where it has set them, the client's defaults elsewhere.
  virtual http::ClientOptions options() const = 0;
  // Hands the response to the guest and feeds its body as the guest reads it; returns when that has
  // ended, one way or the other.
  virtual io::Task<void> respond(http::Response response) = 0;
  virtual void fail(http::ClientFailure failure, std::string_view message) = 0;
};

}  // namespace cusp::engine
