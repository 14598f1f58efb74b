#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

// Peers for the client's tests that do exactly what a test says, down to the byte.
namespace cusp::http::testing {

// The peer's side of one connection; blocking, in the server's thread.
class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) {}
  ~Peer() { ::close(descriptor_); }
  Peer(const Peer&) = delete;

  // Reads until what has come contains `end`, or the client closes; everything so far.
  std::string read_until(std::string_view end) {
    size_t from = 0;
    while (text_.find(end, from) == text_.npos) {
      from = text_.size() - std::min(text_.size(), end.size());
      if (!read_some()) break;
    }
    return std::exchange(text_, {});
  }
  // The next `size` bytes; fewer when the client closes.
  std::string read_exactly(size_t size) {
    while (text_.size() < size && read_some()) {
    }
    std::string result = text_.substr(0, size);
    text_.erase(0, size);
    return result;
  }
  // Reads until the client closes or resets; everything left.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(text_, {});
  }
  void write(std::string_view data) {
    while (!data.empty()) {
      const ssize_t size = ::send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      data.remove_prefix(static_cast<size_t>(size));
    }
  }
  // Whether everything could be written before the client went away.
  bool write_endlessly(uint64_t bytes_max) {
    const std::string block(65536, 'x');
    for (uint64_t sent = 0; sent < bytes_max; sent += block.size()) {
      if (::send(descriptor_, block.data(), block.size(), MSG_NOSIGNAL) <= 0) return false;
    }
    return true;
  }
  // Closes with a reset, also when nothing is unread.
  void reset() {
    const linger at_once = {1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }

 private:
  bool read_some() {
    char data[16384];
    const ssize_t size = ::recv(descriptor_, data, sizeof(data), 0);
    if (size > 0) text_.append(data, static_cast<size_t>(size));
    return size > 0;
  }

  int descriptor_;
  std::string text_;
};

// Listens on a free port of 127.0.0.1 and calls `serve` with each connection and its number from 0,
// one thread each. Joins them all at its end.
class PeerServer {
 public:
  explicit PeerServer(std::function<void(Peer&, int)> serve) : serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    ::listen(listener_, 64);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~PeerServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  uint16_t port() const { return port_; }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  int accepted() const { return accepted_; }

 private:
  void accept_all() {
    std::vector<std::thread> threads;
    while (true) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) break;
      threads.emplace_back([this, connection, number = accepted_++] {
        Peer peer(connection);
        serve_(peer, number);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::function<void(Peer&, int)> serve_;
  int listener_;
  uint16_t port_;
  std::atomic<int> accepted_ = 0;
  std::thread thread_;
};

}  // namespace cusp::http::testing
