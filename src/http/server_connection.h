#pragma once

#include <memory>

#include "base/address.h"
#include "http/server_context.h"
#include "io/asio.h"
#include "io/tls.h"

namespace cusp::http {

// Serves an accepted connection until it ends: TLS unless `tls` is null, then HTTP/2 or HTTP/1.1,
// by ALPN or by what comes first (RFC 9113 section 3.3). `server` counts it meanwhile, and its
// gate, which `peer` has entered, is told of the end. Returns at once. `tls` outlives the
// connection.
//
// While a connection waits for a request, for the rest of a request's head, or for its client to
// read a response that is kept elsewhere, it has no session and no coroutine: tens of thousands of
// idle or slow clients cost little.
void serve_connection(std::shared_ptr<ServerContext> server, io::Socket socket,
                      const io::TlsServerContext* tls, const Address& peer);

}  // namespace cusp::http
