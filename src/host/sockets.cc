#include "host/sockets.h"

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "host/call_end.h"
#include "http/client_connect.h"

namespace cusp::host {

namespace {

using engine::Arguments;
using engine::Blob;
using engine::Call;
using engine::CallFailure;
using RulesPtr = std::shared_ptr<const OutboundRules>;  // shared by a component's invocations

constexpr size_t kConnectionsMax = 16;  // of one invocation
constexpr size_t kPieceBytes = 64 * limits::kKiB;
constexpr auto kSilenceMax = std::chrono::seconds(30);

class Socket;
// By the numbers that a guest's side knows. Shared with those that are on their way.
using OpenSockets = std::map<int64_t, std::shared_ptr<Socket>>;

// A connection on its invocation's shard; kept alive by the calls under way, too. A read and a
// write may be under way at once, and nothing else beside the handshake.
class Socket {
 public:
  Socket(std::string scheme, http::Origin origin, RulesPtr rules, const Caller& caller)
      : scheme_(std::move(scheme)),
        rules_(std::move(rules)),
        executor_(caller.executor),
        connector_(*caller.connector) {
    plan_.origin = std::move(origin);
  }

  static io::Task<> connect(std::shared_ptr<Socket> self, int64_t number,
                            std::shared_ptr<OpenSockets> open, Call call) {
    http::ClientOptions options;
    options.allow_address = [&](std::string_view address, uint16_t port) {
      return self->rules_->allows_address(self->scheme_, self->plan_.origin.host, address, port);
    };
    auto upstream =
        co_await self->connector_.connect(self->plan_, options, self->connect_deadline());
    if (!upstream) {
      open->erase(number);
      const auto& error = upstream.error();
      const bool prohibited = error.failure == http::ClientFailure::kDestinationProhibited;
      co_return call.fail(prohibited ? CallFailure::kDenied : CallFailure::kOther,
                          error.error.message);
    }
    self->upstream_ = std::move(*upstream);
    if (self->closed_) self->close();
    call.answer({number});
  }

  static io::Task<> secure(std::shared_ptr<Socket> self, std::string name, std::string authorities,
                           Call call) {
    if (!self->upstream_.stream) co_return gone(call);
    self->plan_.origin.server_name = std::move(name);
    auto secured = co_await self->connector_.secure(self->plan_, std::exchange(self->upstream_, {}),
                                                    authorities, self->connect_deadline());
    if (!secured) co_return call.fail(CallFailure::kOther, secured.error().error.message);
    self->upstream_ = std::move(*secured);
    if (self->closed_) self->close();
    call.answer();
  }

  static io::Task<> read(std::shared_ptr<Socket> self, Call call) {
    if (!self->upstream_.stream) co_return gone(call);
    io::Stream& stream = *self->upstream_.stream;
    http::Watchdog watchdog(self->executor_, [&stream] { stream.close(); });
    watchdog.arm(kSilenceMax);
    std::array<char, kPieceBytes> piece;
    while (true) {
      const ssize_t size = stream.try_read(piece.data(), piece.size());
      if (size == io::Stream::kWouldBlock) {
        if (co_await stream.wait_read()) continue;
      } else if (size >= 0) {
        co_return call.answer({Blob{{piece.data(), static_cast<size_t>(size)}}});
      }
      if (!watchdog.expired()) co_return gone(call);
      co_return call.fail(CallFailure::kOther, "the server took too long");
    }
  }

  static io::Task<> write(std::shared_ptr<Socket> self, std::string bytes, Call call) {
    if (!self->upstream_.stream) co_return gone(call);
    io::Stream& stream = *self->upstream_.stream;
    http::Watchdog watchdog(self->executor_, [&stream] { stream.close(); });
    watchdog.arm(kSilenceMax);
    if (!co_await io::write_all(stream, std::string_view(bytes))) co_return gone(call);
    call.answer();
  }

  // A connection on its way is closed when it is there.
  void close() {
    closed_ = true;
    if (upstream_.stream) upstream_.stream->close();
  }

 private:
  static void gone(Call& call) {
    call.fail(CallFailure::kOther, "the server has closed the connection");
  }

  static http::Watchdog::Clock::time_point connect_deadline() {
    return http::Watchdog::Clock::now() + limits::kConnectTimeout;
  }

  const std::string scheme_;
  const RulesPtr rules_;
  const io::Executor executor_;
  http::Connector& connector_;  // the shard's
  http::RequestPlan plan_;
  http::Upstream upstream_;  // its stream is null until it is connected, and in the handshake
  bool closed_ = false;
};

// Those of one invocation; closed with it.
struct Part : Scope::Part {
  ~Part() override {
    for (const auto& [number, socket] : *open) socket->close();
  }
  std::shared_ptr<OpenSockets> open = std::make_shared<OpenSockets>();
};

class Sockets final : public Capability {
 public:
  explicit Sockets(RulesPtr rules) : rules_(std::move(rules)) {}

  void call(const Arguments& arguments, const Caller& caller, Call call) override {
    const auto& open = caller.scope.part<Part>(this).open;
    if (call.operation() == CUSP_SOCKET_CONNECT) {
      return connect(arguments, caller, open, std::move(call));
    }
    const auto found = open->find(arguments.integer(0));
    if (found == open->end()) {
      return call.fail(CallFailure::kNotFound, "the connection has ended with its request");
    }
    const std::shared_ptr<Socket> socket = found->second;
    switch (call.operation()) {
      case CUSP_SOCKET_SECURE:
        return spawn(caller, Socket::secure(socket, std::string(arguments.text(1)),
                                            std::string(arguments.optional_text(2).value_or("")),
                                            std::move(call)));
      case CUSP_SOCKET_READ: return spawn(caller, Socket::read(socket, std::move(call)));
      case CUSP_SOCKET_WRITE:
        return spawn(caller,
                     Socket::write(socket, std::string(arguments.blob(1)), std::move(call)));
      default: break;
    }
    socket->close();
    open->erase(found);
    call.answer();
  }

 private:
  void connect(const Arguments& arguments, const Caller& caller,
               const std::shared_ptr<OpenSockets>& open, Call call) {
    std::string scheme(arguments.text(0));
    std::string host(arguments.text(1));
    const auto port = static_cast<uint16_t>(arguments.integer(2));
    if (!rules_->allows(scheme, host, port)) {
      return call.fail(CallFailure::kDenied,
                       fmt::format("the manifest's allowed_outbound_hosts does not list {}://{}:{}",
                                   scheme, host, port));
    }
    if (open->size() >= kConnectionsMax) {
      return call.fail(
          CallFailure::kLimit,
          fmt::format("a request has {} connections to databases at most", kConnectionsMax));
    }
    const int64_t number = ++last_;
    http::Origin origin{.host = std::move(host), .port = port};
    const auto socket =
        std::make_shared<Socket>(std::move(scheme), std::move(origin), rules_, caller);
    open->emplace(number, socket);
    spawn(caller, Socket::connect(socket, number, open, std::move(call)));
  }

  const RulesPtr rules_;
  // Numbers are used once: an instance that is kept may know some of its last request.
  std::atomic<int64_t> last_ = 0;
};

}  // namespace

std::shared_ptr<Capability> make_sockets(std::shared_ptr<const OutboundRules> rules) {
  return std::make_shared<Sockets>(std::move(rules));
}

}  // namespace cusp::host
