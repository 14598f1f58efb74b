#pragma once

#include <functional>
#include <memory>

#include "http/client_connect.h"
#include "http/client_exchange.h"

namespace cusp::http {

// Sends the request over an HTTP/1.1 connection (RFC 9112) and returns when the head of the
// response is there. The request's body goes on being sent by a coroutine of its own until the
// response's body is dropped. `reuse` is called at most once, when both messages are complete and
// the connection can serve another request; possibly long after this has returned. A 101 takes the
// connection into the response's tunnel. Cancelling ends everything.
io::Task<ClientAnswer> exchange_h1(io::Executor executor, Upstream upstream, ClientCall call,
                                   std::function<void(Upstream)> reuse);

}  // namespace cusp::http
