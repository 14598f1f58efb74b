#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "http/message.h"
#include "node/s3/operation.h"
#include "node/s3/signature.h"

namespace cusp::node::s3 {

struct HandlerOptions {
  std::string domain;  // of virtual-host style requests; empty: there are none
  FindToken find_token;
  // The time that signatures are compared with; from any thread.
  std::function<std::chrono::sys_seconds()> now = [] {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  };
};

// S3's API over the object stores of a node (docs/formats/s3.md). Lives on one shard.
class Handler final : public http::Handler {
 public:
  // `objects` outlives it.
  Handler(HandlerOptions options, store::object::Objects& objects)
      : options_(std::move(options)), objects_(objects) {}

  io::Task<http::Response> respond(http::Request& request) override;

 private:
  Done answer(http::Request& request, const Target& target);

  const HandlerOptions options_;
  store::object::Objects& objects_;
};

}  // namespace cusp::node::s3
