#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/message.h"
#include "io/task.h"

namespace cusp::edge::cache {

// What a request that outlives its client still knows of the connection it came on.
class DetachedConnection final : public http::Connection {
 public:
  DetachedConnection() = default;
  explicit DetachedConnection(http::Connection& connection)
      : address_(connection.remote_address()),
        port_(connection.remote_port()),
        tls_(connection.tls()),
        interim_(connection.interim_sender()) {}

  std::string_view remote_address() const override { return address_; }
  uint16_t remote_port() const override { return port_; }
  bool tls() const override { return tls_; }
  // To the client that it began with, while that one waits.
  http::InterimSender interim_sender() override { return interim_; }
  // Nobody waits any more who could go away.
  void on_client_gone(std::function<void()>) override {}

 private:
  std::string address_;
  uint16_t port_ = 0;
  bool tls_ = false;
  http::InterimSender interim_;
};

// A request without its body, on its own.
struct DetachedRequest {
  explicit DetachedRequest(const http::Request& from) {
    if (from.connection != nullptr) connection = DetachedConnection(*from.connection);
    request.method = from.method;
    request.scheme = from.scheme;
    request.authority = from.authority;
    request.target = from.target;
    request.version = from.version;
    request.fields = from.fields;
    request.connection = &connection;
  }
  DetachedRequest(const DetachedRequest&) = delete;
  DetachedRequest& operator=(const DetachedRequest&) = delete;

  DetachedConnection connection;
  http::Request request;
};

// A body that keeps something alive for as long as it is read.
class KeepingBody final : public http::Body {
 public:
  KeepingBody(std::unique_ptr<http::Body> body, std::shared_ptr<const void> kept)
      : kept_(std::move(kept)), body_(std::move(body)) {}

  io::Task<Result<http::BodyPart>> read() override { return body_->read(); }
  bool give_back(size_t bytes) override { return body_->give_back(bytes); }
  bool ready() override { return body_->ready(); }
  std::optional<Result<http::BodyPart>> try_read() override { return body_->try_read(); }
  std::optional<uint64_t> size() const override { return body_->size(); }

 private:
  std::shared_ptr<const void> kept_;  // shared: with whoever made the request; goes after body_
  std::unique_ptr<http::Body> body_;
};

}  // namespace cusp::edge::cache
