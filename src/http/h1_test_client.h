#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "http/test_server.h"

// What the tests of HTTP/1.1 sessions share.
namespace cusp::http::testing {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// A client that sends exactly the bytes that a test says.
class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  }
  ~RawClient() { close(); }

  void send(std::string_view data) {
    while (!data.empty()) {
      const ssize_t size = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      data.remove_prefix(static_cast<size_t>(size));
    }
  }
  void end() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // Cuts the connection with a reset.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  // Reads until `text` has come, all that came; ends also with the connection.
  std::string read_until(std::string_view text) {
    while (received_.find(text) == std::string::npos && receive()) {
    }
    const size_t found = received_.find(text);
    const size_t size = found == std::string::npos ? received_.size() : found + text.size();
    const std::string result = received_.substr(0, size);
    received_.erase(0, size);
    return result;
  }
  // Reads at least `size` bytes, unless the connection ends before.
  std::string read_some(size_t size) {
    while (received_.size() < size && receive()) {
    }
    return std::exchange(received_, {});
  }
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }
  bool closed() const { return closed_; }

 private:
  bool receive() {
    char buffer[16 * 1024];
    const ssize_t size = ::recv(socket_, buffer, sizeof(buffer), 0);
    closed_ = size == 0;
    if (size <= 0) return false;
    received_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  int socket_ = -1;
  std::string received_;
  bool closed_ = false;
};

inline size_t occurrences(std::string_view text, std::string_view of) {
  size_t count = 0;
  for (size_t at = text.find(of); at != text.npos; at = text.find(of, at + 1)) ++count;
  return count;
}

inline io::Task<Response> hello(Request&) { co_return text_response(200, "hello"); }

// Reads the request's body to its end and tells its size, or the code of its error.
inline io::Task<Response> measure(Request& request) {
  size_t size = 0;
  for (bool end = request.body == nullptr; !end;) {
    auto part = co_await request.body->read();
    if (!part) co_return text_response(400, std::string(to_string(part.error().code)));
    size += part->data.size();
    end = part->end;
  }
  co_return text_response(200, std::to_string(size));
}

}  // namespace cusp::http::testing
