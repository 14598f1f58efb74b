#pragma once

#include <memory>
#include <string>

#include "http/server_context.h"
#include "io/stream.h"

namespace cusp::http {

// What a connection turned out to be when its first bytes were read.
struct H1Outcome {
  // The HTTP/2 preface came instead of a request (RFC 9113 section 3.3): the stream and what was
  // read belong to an HTTP/2 session now.
  std::unique_ptr<io::Stream> h2_stream;
  std::string h2_data;
};

// Serves HTTP/1.1 on a connection until it ends.
io::Task<H1Outcome> serve_h1(ServerContext& server, std::unique_ptr<io::Stream> stream);

}  // namespace cusp::http
