#include "http/client_connect.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/socket.h>

#include <map>

#include "io/openssl.h"

namespace cusp::http {

namespace {

using Clock = Watchdog::Clock;
using Address = io::asio::ip::address;

// In the wire format of RFC 7301: each name after its length.
std::string_view alpn_of(UseH2 h2) {
  switch (h2) {
    case UseH2::kNo: return "\x08http/1.1";
    case UseH2::kIfAgreed: return "\x02h2\x08http/1.1";
    case UseH2::kOnly: return "\x02h2";
  }
  return {};
}

// That trusts nobody yet.
io::SslContextPtr make_context() {
  io::SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // A write that would block is tried again with what is left, from wherever it lies then.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  return context;
}

// Null when the file of authorities is of no use.
io::SslContextPtr make_context_of(const std::string& ca_file) {
  io::SslContextPtr context = make_context();
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return context;
}

// Null when `authorities` holds no certificate.
io::SslContextPtr make_context_trusting(const std::string& authorities) {
  io::SslContextPtr context = make_context();
  X509_STORE* const store = SSL_CTX_get_cert_store(context.get());
  const io::BioPtr bio = io::bio_over(authorities);
  // Nobody is there to be asked for a passphrase.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  size_t count = 0;
  while (const io::X509Ptr found{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
    count += static_cast<size_t>(X509_STORE_add_cert(store, found.get()));
  }
  ERR_clear_error();
  return count == 0 ? nullptr : std::move(context);
}

std::unexpected<ClientError> failed(ClientFailure failure, const Origin& origin,
                                    std::string_view message) {
  return std::unexpected(client_error(failure, origin, message));
}

}  // namespace

struct Connector::State {
  explicit State(io::Executor shard) : executor(shard), resolver(shard) {}

  // Reading the certificates takes milliseconds: only when they are needed.
  SSL_CTX* tls_context(const std::string& ca_file) {
    io::SslContextPtr& context = contexts[ca_file];
    if (!context) context = make_context_of(ca_file);
    return context.get();
  }

  io::Task<std::expected<std::vector<Address>, ClientError>> addresses(const Origin& origin,
                                                                       const ClientOptions& options,
                                                                       Clock::time_point deadline);
  io::Task<std::expected<io::Socket, ClientError>> try_address(const Origin& origin,
                                                               const Address& address,
                                                               Clock::time_point deadline);
  // `context` is null when there is nobody to trust.
  io::Task<std::expected<Upstream, ClientError>> secure(const RequestPlan& plan, SSL_CTX* context,
                                                        io::Socket socket, std::string address,
                                                        Clock::time_point deadline);

  io::Executor executor;
  io::Resolver resolver;
  std::map<std::string, io::SslContextPtr>
      contexts;  // by the file of authorities: the operator's few
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
    const RequestPlan& plan, SSL_CTX* context, io::Socket socket, std::string address,
    Clock::time_point deadline) {
  const Origin& origin = plan.origin;
  if (context == nullptr) {
    co_return failed(ClientFailure::kTlsCertificateError, origin,
                     "no authorities to trust in '" + origin.ca_file + "', which should be PEM");
  }
  // The socket moves into the stream that is being made; its descriptor stays valid until the
  // handshake returns, and shutting it down ends the handshake.
  Watchdog watchdog(executor,
                    [descriptor = socket.native_handle()] { ::shutdown(descriptor, SHUT_RDWR); });
  watchdog.arm(deadline);
  const io::TlsClientHello hello{context, origin.server_name, alpn_of(plan.h2), origin.verify};
  auto connected = co_await io::connect_tls(std::move(socket), hello);
  watchdog.disarm();
  if (connected.stream) {
    Upstream upstream{std::move(connected.stream), std::move(address), nullptr};
    if (plan.h2 != UseH2::kOnly || upstream.stream->alpn() == "h2") co_return upstream;
    co_return failed(ClientFailure::kTlsProtocolError, origin, "HTTP/2 was not agreed to");
  }
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

io::Task<std::expected<Upstream, ClientError>> Connector::connect(const RequestPlan& plan,
                                                                  const ClientOptions& options,
                                                                  Clock::time_point deadline) {
  const Origin& origin = plan.origin;
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
      co_return Upstream{io::make_tcp_stream(std::move(*socket)), address.to_string(), nullptr};
    co_return co_await state_->secure(plan, state_->tls_context(origin.ca_file), std::move(*socket),
                                      address.to_string(), deadline);
  }
  co_return std::unexpected(std::move(last));
}

io::Task<std::expected<Upstream, ClientError>> Connector::secure(const RequestPlan& plan,
                                                                 Upstream plain,
                                                                 const std::string& authorities,
                                                                 Clock::time_point deadline) {
  // Kept by the connection that it makes, where it is not the shard's.
  const auto own = authorities.empty() ? nullptr : make_context_trusting(authorities);
  SSL_CTX* const context =
      authorities.empty() ? state_->tls_context(plan.origin.ca_file) : own.get();
  co_return co_await state_->secure(plan, context, std::move(plain.stream->socket()),
                                    std::move(plain.address), deadline);
}

}  // namespace cusp::http
