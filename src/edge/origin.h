#pragma once

#include "http/message.h"
#include "io/task.h"

namespace cusp::edge {

// What makes the response to a request when the edge itself does not: a component of an
// application, an upstream, a folder of files. Made for one route match and one shard; shared by
// the exchange and by what goes on after it (a cache that revalidates).
class Origin {
 public:
  virtual ~Origin() = default;

  // `request` outlives the task; what the origin needs of it may be moved out. Never fails: what
  // goes wrong is a response of the 5xx class (RFC 9110 section 15.6).
  virtual io::Task<http::Response> fetch(http::Request& request) = 0;
};

}  // namespace cusp::edge
