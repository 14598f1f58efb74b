#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <utility>

#include "http/server.h"
#include "io/asio.h"
#include "io/shard.h"

namespace cusp::http::testing {

// A server on a shard of its own whose handler is a function.
class TestServer {
 public:
  using Respond = std::function<io::Task<Response>(Request&)>;

  explicit TestServer(Respond respond, ServerLimits limits = {}) : handler_(std::move(respond)) {
    shard_.run([&] {
      auto made = make_server(shard_.executor(), {.limits = limits}, handler_);
      ASSERT_TRUE(made) << made.error().message;
      server_ = std::move(*made);
      port_ = server_->port();
    });
  }
  ~TestServer() {
    shard_.run([&] { server_.reset(); });
  }

  uint16_t port() const { return port_; }
  io::Shard& shard() { return shard_; }
  Server& server() { return *server_; }
  size_t connections() {
    size_t count = 0;
    shard_.run([&] { count = server_->connections(); });
    return count;
  }
  // Waits, at most five seconds, until `condition` holds on the shard.
  bool eventually(const std::function<bool()>& condition) {
    bool holds = false;
    for (int tries = 0; tries < 500 && !holds; ++tries) {
      shard_.run([&] { holds = condition(); });
      if (!holds) ::usleep(10'000);
    }
    return holds;
  }

 private:
  struct FunctionHandler final : Handler {
    explicit FunctionHandler(Respond function) : respond_(std::move(function)) {}
    io::Task<Response> respond(Request& request) override { return respond_(request); }
    Respond respond_;
  };

  FunctionHandler handler_;
  uint16_t port_ = 0;
  std::unique_ptr<Server> server_;
  io::Shard shard_{0};
};

}  // namespace cusp::http::testing
