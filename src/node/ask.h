#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "http/message.h"

// HTTP for what is not on a shard: start-up and the command line. Blocking.
namespace cusp::node {

struct Answer {
  uint16_t status = 0;
  http::Fields fields;
  std::string body;
};

// A request for a URL, "https://example.com/a?b". Errors: kInvalidArgument when it is not one of
// http or https.
Result<http::Request> request_for(std::string method, const std::string& url);

struct AskOptions {
  http::ClientOptions client = {};
  std::stop_token stop = {};  // ends the exchange at once, with kCancelled or the client's error
};

// Sends it and reads the whole answer. Errors: those of http::Client, and kResourceExhausted for a
// body of more than `bytes_max`.
Result<Answer> ask(http::Request request, size_t bytes_max, AskOptions options = {});

}  // namespace cusp::node
