#pragma once

#include <string_view>

#include "http/message.h"
#include "store/queue/queue.h"

namespace cusp::node {

// Sends to a queue over HTTP, for guests (the host NAME.queue.internal) and for programs outside
// (the data listener):
//   POST /        the body is the message, `content-type` stays with it; `?delay=30s`
//   POST /batch   {"messages": [{"body" or "body_base64", "content_type", "delay"}, …]}
// Answers 202 with {"ids": ["…"]} once they are on disk; else a status and {"error": "…"}. `target`
// is what follows the queue's own address.
io::Task<http::Response> send_to_queue(http::Request& request, store::queue::Queue& queue,
                                       std::string_view target);

// A refusal in the same form.
http::Response queue_failure(uint16_t status, std::string_view message);

}  // namespace cusp::node
