#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/client_test_peer.h"
#include "io/asio.h"

// What the client's tests share.
namespace cusp::http::testing {

// A client with its shard, driven by the test's thread.
class TestClient {
 public:
  TestClient() : client_(make_client(context_.get_executor())) {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does
  }

  // Runs the loop until `task` has ended.
  template <class T>
  T run(io::Task<T> task) {
    std::optional<T> result;
    io::asio::co_spawn(context_, std::move(task), [&](std::exception_ptr error, T value) {
      EXPECT_FALSE(error);
      result = std::move(value);
    });
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }
  // Runs the loop until `done`, at most 20 seconds.
  template <class Done>
  void run_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    context_.restart();
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "the loop never finished";
      context_.restart();
      context_.run_one_for(std::chrono::milliseconds(10));
    }
  }

  std::expected<Response, ClientError> send(Request request, ClientOptions options = {}) {
    return run(client_->send(std::move(request), std::move(options)));
  }
  Result<BodyPart> read(Response& response) { return run(response.body->read()); }
  // The whole body; nothing when it broke off.
  std::optional<std::string> read_all(Response& response, Fields* trailers = nullptr) {
    std::string text;
    while (response.body) {
      auto part = read(response);
      if (!part) return std::nullopt;
      text.append(part->data);
      if (!part->end) continue;
      if (trailers != nullptr && part->trailers) *trailers = std::move(*part->trailers);
      response.body.reset();
    }
    return text;
  }
  // Lets the loop do what is ready.
  void settle() {
    context_.restart();
    context_.run_for(std::chrono::milliseconds(30));
  }

  Client& client() { return *client_; }
  io::Executor executor() { return context_.get_executor(); }
  void destroy_client() { client_.reset(); }

 private:
  io::asio::io_context context_{1};
  std::unique_ptr<Client> client_;
};

// A body in the parts that a test gives, of unknown length; waits between them.
class SlowBody final : public Body {
 public:
  SlowBody(io::Executor executor, std::vector<BodyPart> parts, std::chrono::milliseconds pause,
           bool* dropped = nullptr)
      : timer_(executor), parts_(std::move(parts)), pause_(pause), dropped_(dropped) {}
  ~SlowBody() override {
    if (dropped_ != nullptr) *dropped_ = true;
  }

  io::Task<Result<BodyPart>> read() override {
    timer_.expires_after(pause_);
    co_await timer_.async_wait(io::use_task);
    if (at_ == parts_.size()) co_return fail(ErrorCode::kUnavailable, "the producer failed");
    co_return std::move(parts_[at_++]);
  }
  bool ready() override { return false; }

 private:
  io::Timer timer_;
  std::vector<BodyPart> parts_;
  size_t at_ = 0;
  std::chrono::milliseconds pause_;
  bool* dropped_;
};

inline Request make_request(std::string method, std::string authority, std::string target = "/") {
  return {.method = std::move(method),
          .scheme = "http",
          .authority = std::move(authority),
          .target = std::move(target)};
}

// The whole body of a response that is there, or a word in brackets for one that is not.
inline std::string body_of(TestClient& client, std::expected<Response, ClientError> response) {
  EXPECT_TRUE(response) << response.error().error.message;
  return response ? client.read_all(*response).value_or("(broken)") : "(failed)";
}

}  // namespace cusp::http::testing
