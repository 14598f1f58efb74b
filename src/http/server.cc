#include "http/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include "http/server_connection.h"
#include "http/server_context.h"

namespace cusp::http {

namespace {

using io::asio::ip::make_address;

// All zero for a peer that has gone already.
Address peer_of(const io::Socket& socket) {
  boost::system::error_code error;
  const auto address = socket.remote_endpoint(error).address();
  if (error) return {};
  if (address.is_v6()) return address.to_v6().to_bytes();
  return io::asio::ip::make_address_v6(io::asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

class ServerImpl final : public Server, public std::enable_shared_from_this<ServerImpl> {
 public:
  ServerImpl(io::Executor executor, ServerOptions options, Handler& handler)
      : options_(std::move(options)),
        context_(executor, options_.limits, options_.gate, handler),
        acceptor_(executor),
        timer_(executor) {}

  Result<> listen();
  uint16_t port() const override { return acceptor_.local_endpoint().port(); }
  size_t connections() const override { return context_.connections; }
  io::Task<void> drain(std::chrono::milliseconds deadline) override;

  io::Task<void> accept_loop();
  io::Task<void> tick_loop();
  void stop();

 private:
  ServerOptions options_;
  ServerContext context_;
  io::Acceptor acceptor_;
  io::Timer timer_;
  bool stopped_ = false;
};

// What the owner holds. The loops of a server hold it too: its end is the end of the last of them.
class ServerHandle final : public Server {
 public:
  explicit ServerHandle(std::shared_ptr<ServerImpl> server) : server_(std::move(server)) {}
  ~ServerHandle() override { server_->stop(); }
  uint16_t port() const override { return server_->port(); }
  size_t connections() const override { return server_->connections(); }
  io::Task<void> drain(std::chrono::milliseconds deadline) override {
    co_await server_->drain(deadline);
  }

 private:
  std::shared_ptr<ServerImpl>
      server_;  // shared with the accept loop, the timer and the connections
};

Result<> ServerImpl::listen() {
  boost::system::error_code error;
  const auto address = make_address(options_.address, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not an IP address to listen on", options_.address));
  }
  const io::Tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  const int on = 1;
  if (!error) {
    acceptor_.set_option(io::Acceptor::reuse_address(true), error);
    ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    acceptor_.bind(endpoint, error);
  }
  if (!error) acceptor_.listen(4096, error);
  if (error) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot listen on {}:{}: {}", options_.address,
                                                     options_.port, error.message()));
  }
  return {};
}

io::Task<void> ServerImpl::accept_loop() {
  while (!stopped_) {
    auto [error, socket] = co_await acceptor_.async_accept(io::use_task);
    if (stopped_ || error == boost::system::errc::operation_canceled ||
        error == boost::system::errc::bad_file_descriptor) {
      co_return;
    }
    if (error) {  // out of file descriptors, or the client left already
      io::Timer pause(context_.executor, std::chrono::milliseconds(10));
      co_await pause.async_wait(io::use_task);
      continue;
    }
    if (context_.connections >= context_.limits.connections_max) continue;
    const Address peer = context_.gate == nullptr ? Address{} : peer_of(socket);
    if (context_.gate != nullptr && !context_.gate->enter(peer)) continue;
    serve_connection({shared_from_this(), &context_}, std::move(socket), options_.tls.get(), peer);
  }
}

io::Task<void> ServerImpl::tick_loop() {
  while (!stopped_ || context_.connections > 0) {
    timer_.expires_after(ServerContext::kTick);
    co_await timer_.async_wait(io::use_task);
    context_.tick();
  }
}

void ServerImpl::stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (auto next = context_.sessions.begin(); next != context_.sessions.end();) (*next++)->abort();
}

io::Task<void> ServerImpl::drain(std::chrono::milliseconds deadline) {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  context_.draining = true;
  for (auto next = context_.sessions.begin(); next != context_.sessions.end();) (*next++)->drain();
  const auto end = std::chrono::steady_clock::now() + deadline;
  io::Timer pause(context_.executor);
  while (context_.connections > 0 && std::chrono::steady_clock::now() < end) {
    pause.expires_after(std::chrono::milliseconds(10));
    co_await pause.async_wait(io::use_task);
  }
  stop();
}

}  // namespace

Result<std::unique_ptr<Server>> make_server(io::Executor executor, ServerOptions options,
                                            Handler& handler) {
  auto server = std::make_shared<ServerImpl>(executor, std::move(options), handler);
  CUSP_CHECK(server->listen());
  const auto spawn = [&](auto loop) {
    io::asio::co_spawn(executor, loop(server), io::asio::detached);
  };
  spawn([](std::shared_ptr<ServerImpl> self) -> io::Task<void> { co_await self->accept_loop(); });
  spawn([](std::shared_ptr<ServerImpl> self) -> io::Task<void> { co_await self->tick_loop(); });
  return std::make_unique<ServerHandle>(std::move(server));
}

}  // namespace cusp::http
