#include "store/remote/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "base/limits.h"

namespace cusp::store::remote {

namespace {

constexpr const char* kSocketName = "socket";
constexpr int kBacklog = 16;
constexpr size_t kPieceBytes = 256 * limits::kKiB;

std::unexpected<Error> unavailable(const char* what, const std::string& folder = {}) {
  return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", what, std::strerror(errno)), folder);
}

// The address of the socket in a folder of any length: the kernel takes 107 bytes as its path.
struct Address {
  Descriptor folder;
  sockaddr_un native = {};

  explicit Address(const std::string& path)
      : folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    native.sun_family = AF_UNIX;
    const auto text = fmt::format("/proc/self/fd/{}/{}", int{folder}, kSocketName);
    text.copy(native.sun_path, sizeof(native.sun_path) - 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&native); }
};

Descriptor make_socket() { return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

bool of_this_user(int socket) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

// `data` is filled or sent as a whole by calls of `operation`, which says how much it did.
template <class Operation>
Result<> transfer(size_t size, Operation operation) {
  for (size_t done = 0; done < size;) {
    const ssize_t count = operation(done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      return fail(ErrorCode::kUnavailable,
                  "the process that has these stores open has ended, or does not answer");
    }
    done += static_cast<size_t>(count);
  }
  return {};
}

Result<> too_long(size_t size) {
  if (size <= limits::kStoreMessageBytesMax) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("a message of {} MiB is longer than the {} MiB that one may have",
                          size / limits::kMiB, limits::kStoreMessageBytesMax / limits::kMiB));
}

}  // namespace

Channel::Channel(Descriptor socket) : socket_(std::move(socket)) {
  const timeval time = {std::chrono::seconds(limits::kStorePeerTimeout).count(), 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

Result<Descriptor> Channel::listen(const std::string& folder) {
  const Address address(folder);
  Descriptor socket = make_socket();
  remove(folder);
  // Before there is a name that others could use.
  if (socket < 0 || ::fchmod(socket, 0600) != 0 ||
      ::bind(socket, address.get(), sizeof(address.native)) != 0 ||
      ::listen(socket, kBacklog) != 0) {
    return unavailable("cannot listen for other processes that want these stores", folder);
  }
  return socket;
}

Result<Channel> Channel::accept(int listener) {
  while (true) {
    Descriptor socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (socket >= 0 && of_this_user(socket)) return Channel(std::move(socket));
    if (socket >= 0 || errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) {
      return unavailable("cannot take a connection");
    }
    // Whoever has too many gives some back, and the peer waits for that.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result<Channel> Channel::connect(const std::string& folder) {
  const Address address(folder);
  Descriptor socket = make_socket();
  if (::connect(socket, address.get(), sizeof(address.native)) == 0) {
    return Channel(std::move(socket));
  }
  if (errno == EACCES || errno == EPERM) {
    return fail(ErrorCode::kPermissionDenied,
                "another user's process has these stores open; act as that user", folder);
  }
  return fail(ErrorCode::kNotFound, "no process has these stores open", folder);
}

void Channel::remove(const std::string& folder) {
  ::unlink(fmt::format("{}/{}", folder, kSocketName).c_str());
}

Result<std::string> Channel::receive() {
  pollfd begins = {socket_, POLLIN, 0};
  while (::poll(&begins, 1, -1) < 0 && errno == EINTR) {
  }
  std::array<unsigned char, 4> head;
  const ssize_t first = ::recv(socket_, head.data(), 1, 0);
  if (first == 0) return fail(ErrorCode::kCancelled, "the peer has ended");
  if (first < 0) return unavailable("cannot read from the peer");
  CUSP_CHECK(
      transfer(3, [&](size_t at) { return ::recv(socket_, head.data() + 1 + at, 3 - at, 0); }));
  const size_t size = head[0] | head[1] << 8 | head[2] << 16 | size_t{head[3]} << 24;
  CUSP_CHECK(too_long(size));
  std::string message;
  // Room for what has come, not for what was announced.
  while (message.size() < size) {
    const size_t before = message.size();
    message.resize(std::min(size, before + kPieceBytes));
    CUSP_CHECK(transfer(message.size() - before, [&](size_t at) {
      return ::recv(socket_, message.data() + before + at, message.size() - before - at, 0);
    }));
  }
  return message;
}

Result<> Channel::send(const std::string& message) {
  CUSP_CHECK(too_long(message.size()));
  std::string head;
  for (int i = 0; i < 4; ++i) head += static_cast<char>(message.size() >> (8 * i));
  for (const std::string* part : {&std::as_const(head), &message}) {
    CUSP_CHECK(transfer(part->size(), [&](size_t at) {
      return ::send(socket_, part->data() + at, part->size() - at, MSG_NOSIGNAL);
    }));
  }
  return {};
}

void Channel::shut_down() { ::shutdown(socket_, SHUT_RDWR); }

}  // namespace cusp::store::remote
