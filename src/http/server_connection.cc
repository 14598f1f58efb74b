#include "http/server_connection.h"

#include <sys/socket.h>

#include <utility>

#include "http/h1_session.h"
#include "http/h2_session.h"
#include "io/stream.h"

namespace cusp::http {

namespace {

// One accepted connection. It holds the stream itself while it waits for a request, or for its
// client to read a response, and is told of the server's tick then; a session has both afterwards.
class ServerConnection final : public ServerContext::Session,
                               public io::StreamWaiter,
                               public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(std::shared_ptr<ServerContext> server, const Address& peer)
      : server_(std::move(server)), peer_(peer) {
    ++server_->connections;
    place_ = server_->sessions.insert(server_->sessions.end(), this);
  }
  ~ServerConnection() override {
    server_->sessions.erase(place_);
    --server_->connections;
    if (server_->gate != nullptr) server_->gate->leave(peer_);
  }

  io::Task<void> begin_tls(io::Socket socket, const io::TlsServerContext& tls);
  // Waits for what the session that has paused was waiting for.
  void wait(H1Pause pause);

  // ServerContext::Session
  void time_out() override;
  void drain() override {
    if (pause_.data.empty() && !pause_.sending) abort();
  }
  void abort() override {
    if (pause_.stream) pause_.stream->close();
  }

  // io::StreamWaiter
  void readable(bool open) override;
  void writable(bool open) override;

 private:
  bool has_request();
  void start_session();
  io::Task<void> serve();

  const std::shared_ptr<ServerContext> server_;  // shared by the server and its connections
  const Address peer_;
  std::list<ServerContext::Session*>::iterator place_;
  H1Pause pause_;    // without a stream while a session has it
  size_t seen_ = 0;  // of its bytes, how many find_head_end has looked at
};

io::Task<void> ServerConnection::begin_tls(io::Socket socket, const io::TlsServerContext& tls) {
  io::Timer limit(server_->executor, limits::kTlsHandshakeTimeout);
  const int descriptor = socket.native_handle();
  limit.async_wait([descriptor](boost::system::error_code error) {
    if (!error) ::shutdown(descriptor, SHUT_RDWR);
  });
  auto stream = co_await io::accept_tls(std::move(socket), tls);
  limit.cancel();
  if (!stream || stream->alpn() == io::kAcmeProtocol) co_return;
  if (stream->alpn() == "h2") {
    co_await serve_h2(*server_, std::move(stream), {});
  } else {
    wait({.stream = std::move(stream)});
  }
}

void ServerConnection::wait(H1Pause pause) {
  pause_ = std::move(pause);
  seen_ = 0;
  deadline = pause_.deadline;
  if (pause_.sending) {
    if (!pause_.stream->tell_writable(shared_from_this())) start_session();
    return;
  }
  if (deadline == ServerContext::Clock::time_point::max()) {
    deadline = server_->now + server_->limits.keep_alive_timeout + ServerContext::kTick;
  }
  readable(true);
}

// Reads what there is until it makes a request, in the eyes of a session.
void ServerConnection::readable(bool open) {
  while (open) {
    if (has_request()) return start_session();
    if (server_->draining && pause_.data.empty()) break;
    const ssize_t size = pause_.stream->try_read(server_->scratch.data(), server_->scratch.size());
    if (size == io::Stream::kWouldBlock) return pause_.stream->tell_readable(shared_from_this());
    if (size <= 0) break;
    if (pause_.data.empty()) {
      deadline = server_->now + server_->limits.head_timeout + ServerContext::kTick;
    }
    pause_.data.append(server_->scratch.data(), static_cast<size_t>(size));
  }
  deadline = ServerContext::Clock::time_point::max();  // the last owner lets go of it
}

void ServerConnection::writable(bool open) {
  if (open) return start_session();
  deadline = ServerContext::Clock::time_point::max();
}

void ServerConnection::start_session() {
  deadline = ServerContext::Clock::time_point::max();
  io::asio::co_spawn(
      server_->executor,
      [](std::shared_ptr<ServerConnection> self) -> io::Task<void> {
        co_await self->serve();
      }(shared_from_this()),
      io::asio::detached);
}

// Whether a session has something to do: a whole head, or one that will never be.
bool ServerConnection::has_request() {
  if (pause_.data.empty()) return false;
  const auto end = find_head_end(pause_.data, seen_, server_->head_limits());
  if (end && !*end) seen_ = pause_.data.size();
  return !end || *end;
}

io::Task<void> ServerConnection::serve() {
  H1Pause pause = co_await serve_h1(*server_, std::exchange(pause_, {}));
  if (!pause.stream) co_return;
  if (pause.h2) {
    co_await serve_h2(*server_, std::move(pause.stream), std::move(pause.data));
  } else {
    wait(std::move(pause));
  }
}

void ServerConnection::time_out() {
  if (!pause_.stream) return;
  if (!pause_.data.empty() && !pause_.sending) {
    refuse_request(*pause_.stream, *server_, {408, "the head took too long"});
  }
  abort();
}

}  // namespace

void serve_connection(std::shared_ptr<ServerContext> server, io::Socket socket,
                      const io::TlsServerContext* tls, const Address& peer) {
  const io::Executor executor = server->executor;
  const auto connection = std::make_shared<ServerConnection>(std::move(server), peer);
  if (tls == nullptr) return connection->wait({.stream = io::make_tcp_stream(std::move(socket))});
  io::asio::co_spawn(
      executor,
      [](std::shared_ptr<ServerConnection> self, io::Socket client,
         const io::TlsServerContext& context) -> io::Task<void> {
        co_await self->begin_tls(std::move(client), context);
      }(connection, std::move(socket), *tls),
      io::asio::detached);
}

}  // namespace cusp::http
