#pragma once

#include <memory>
#include <string>

#include "http/h1_parser.h"
#include "http/h1_writer.h"
#include "http/server_context.h"
#include "io/stream.h"

namespace cusp::http {

// What is left of a response: `text`, `shared` from `at` on, and unless `end` the rest of the body.
struct H1Sending {
  H1Writer writer;
  std::unique_ptr<Body> body;
  std::string text;
  std::shared_ptr<const std::string> shared;  // with others who send it; null: none
  size_t at = 0;
  bool end = false;
  bool paused = false;  // before
};

// A connection without a session: before its first request, between two, or in the middle of a
// response that its client does not read.
struct H1Pause {
  std::unique_ptr<io::Stream> stream;  // null: the connection has ended
  std::string data;                    // what was read of it and is not used up
  bool first = true;                   // no request has come yet
  // `data` begins with the HTTP/2 preface (RFC 9113 section 3.3): an HTTP/2 session goes on.
  bool h2 = false;
  std::unique_ptr<H1Sending> sending;  // null: it waits for a request
  ServerContext::Clock::time_point deadline = ServerContext::Clock::time_point::max();
};

// Answers what could not be read as a request, as far as the socket takes it at once.
void refuse_request(io::Stream& stream, const ServerContext& server, const SyntaxError& error);

// Serves HTTP/1.1 until the connection ends, or until no request has come for a while, or nothing
// was read of a response that can wait by itself: it is cheaper to wait without a session.
io::Task<H1Pause> serve_h1(ServerContext& server, H1Pause from);

}  // namespace cusp::http
