#pragma once

#include <memory>
#include <string>

#include "http/server_context.h"
#include "io/stream.h"

namespace cusp::http {

// Serves HTTP/2 (RFC 9113) on a connection until it ends. `data` is what was read of it already,
// from the preface on.
io::Task<void> serve_h2(ServerContext& server, std::unique_ptr<io::Stream> stream,
                        std::string data);

}  // namespace cusp::http
