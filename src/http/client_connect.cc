#include "http/client_connect.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "http/client_watchdog.h"

namespace cusp::http {

namespace {

using Clock = Watchdog::Clock;
using Address = io::asio::ip::address;

// In the wire format of RFC 7301: each name after its length.
constexpr std::string_view kAlpn = "\x08http/1.1";

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

TlsContext make_context() {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // A write that would block is tried again with what is left, from wherever it lies then.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_verify_paths(context.get());
  return context;
}

std::unexpected<ClientError> failed(ClientFailure failure, const Origin& origin,
                                    std::string_view message) {
  return std::unexpected(client_error(failure, origin, message));
}

}  // namespace

struct Connector::State {
  explicit State(io::Executor shard) : executor(shard), resolver(shard) {}

  // Reading the system's certificates takes milliseconds: only when they are needed.
  SSL_CTX* tls_context() {
    if (!context) context = make_context();
    return context.get();
  }

  io::Task<std::expected<std::vector<Address>, ClientError>> addresses(const Origin& origin,
                                                                       const ClientOptions& options,
                                                                       Clock::time_point deadline);
  io::Task<std::expected<io::Socket, ClientError>> try_address(const Origin& origin,
                                                               const Address& address,
                                                               Clock::time_point deadline);
  io::Task<std::expected<Upstream, ClientError>> secure(const Origin& origin, io::Socket socket,
                                                        std::string address,
                                                        Clock::time_point deadline);

  io::Executor executor;
  io::Resolver resolver;
  TlsContext context;
};

// Those that the name has and the request may reach.
io::Task<std::expected<std::vector<Address>, ClientError>> Connector::State::addresses(
    const Origin& origin, const ClientOptions& options, Clock::time_point deadline) {
  auto found = co_await resolver.resolve(origin.host, deadline);
  if (!found) {
    const bool slow = found.error().code == ErrorCode::kDeadlineExceeded;
    co_return failed(slow ? ClientFailure::kDnsTimeout : ClientFailure::kDnsError, origin,
                     "the name was not resolved: " + found.error().message);
  }
  if (options.allow_address) {
    std::erase_if(*found, [&](const Address& address) {
      return !options.allow_address(address.to_string(), origin.port);
    });
  }
  if (found->empty()) {
    co_return failed(ClientFailure::kDestinationProhibited, origin,
                     "every address of the host is one that may not be reached");
  }
  co_return std::move(*found);
}

io::Task<std::expected<io::Socket, ClientError>> Connector::State::try_address(
    const Origin& origin, const Address& address, Clock::time_point deadline) {
  io::Socket socket(executor);
  Watchdog watchdog(executor, [&socket] {
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  watchdog.arm(deadline);
  const io::Tcp::endpoint endpoint(address, origin.port);
  const auto [error] = co_await socket.async_connect(endpoint, io::use_task);
  if (watchdog.expired()) {
    co_return failed(ClientFailure::kConnectionTimeout, origin,
                     "no connection to " + address.to_string() + " in time");
  }
  if (error) {
    co_return failed(ClientFailure::kConnectionRefused, origin,
                     "no connection to " + address.to_string() + ": " + error.message());
  }
  co_return std::move(socket);
}

io::Task<std::expected<Upstream, ClientError>> Connector::State::secure(
    const Origin& origin, io::Socket socket, std::string address, Clock::time_point deadline) {
  // The socket moves into the stream that is being made; its descriptor stays valid until the
  // handshake returns, and shutting it down ends the handshake.
  Watchdog watchdog(executor,
                    [descriptor = socket.native_handle()] { ::shutdown(descriptor, SHUT_RDWR); });
  watchdog.arm(deadline);
  auto connected = co_await io::connect_tls(std::move(socket), tls_context(), origin.host, kAlpn);
  watchdog.disarm();
  if (connected.stream) co_return Upstream{std::move(connected.stream), std::move(address)};
  if (connected.certificate_refused) {
    co_return failed(ClientFailure::kTlsCertificateError, origin,
                     "the certificate is not trusted: " + connected.reason);
  }
  if (watchdog.expired()) {
    co_return failed(ClientFailure::kConnectionTimeout, origin, "the TLS handshake took too long");
  }
  co_return failed(ClientFailure::kTlsProtocolError, origin, connected.reason);
}

Connector::Connector(io::Executor executor) : state_(std::make_unique<State>(executor)) {}
Connector::~Connector() = default;

io::Task<std::expected<Upstream, ClientError>> Connector::connect(const Origin& origin,
                                                                  const ClientOptions& options) {
  const auto deadline = Clock::now() + options.connect_timeout;
  auto addresses = co_await state_->addresses(origin, options, deadline);
  if (!addresses) co_return std::unexpected(std::move(addresses.error()));
  ClientError last;
  for (size_t i = 0; i < addresses->size(); ++i) {
    const Address& address = (*addresses)[i];
    const auto now = Clock::now();
    const auto share = (deadline - now) / static_cast<int>(addresses->size() - i);
    auto socket = co_await state_->try_address(origin, address, now + share);
    if (!socket) {
      last = std::move(socket.error());
      continue;
    }
    if (!origin.tls)
      co_return Upstream{io::make_tcp_stream(std::move(*socket)), address.to_string()};
    co_return co_await state_->secure(origin, std::move(*socket), address.to_string(), deadline);
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace cusp::http
