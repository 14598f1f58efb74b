#pragma once

#include <functional>
#include <memory>

#include "http/client_connect.h"

namespace cusp::http {

// One request over one HTTP/1.1 connection (RFC 9112), and what it needs to know.
struct H1Call {
  Request& request;  // its body is taken; kept alive by the caller
  const RequestPlan& plan;
  const ClientOptions& options;
  // Called at most once, when both messages are complete and the connection can serve another
  // request; possibly long after exchange_h1 has returned.
  std::function<void(Upstream)> reuse;
};

struct H1Answer {
  std::expected<Response, ClientError> response;
  // With an error: the connection had ended before any byte of an answer. One that came from the
  // pool may have been closed before the request reached it.
  bool unanswered = false;
};

// Sends the request and returns when the head of the response is there. The request's body goes on
// being sent by a coroutine of its own until the response's body is dropped. Cancelling ends
// everything.
io::Task<H1Answer> exchange_h1(io::Executor executor, Upstream upstream, H1Call call);

}  // namespace cusp::http
