#include "io/stream.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/edge_wait.h"
#include "io/openssl.h"

namespace cusp::io {

namespace {

constexpr int kUnsentBytesMax = 32 * 1024;

// Calls `operation` until no signal interrupts it, and says how it went.
template <class Operation>
ssize_t attempt(Operation operation) {
  ssize_t result = 0;
  do {
    result = operation();
  } while (result < 0 && errno == EINTR);
  if (result >= 0) return result;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Stream::kWouldBlock : Stream::kBroken;
}

class TcpStream : public Stream {
 public:
  explicit TcpStream(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(Tcp::no_delay(true), ignored);
    // What a slow reader has not taken stays with its producer, not in the kernel's memory.
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytesMax,
                 sizeof(kUnsentBytesMax));
  }
  ~TcpStream() override { close(); }

  ssize_t try_read(char* data, size_t size) override {
    return attempt([&] { return ::recv(socket_.native_handle(), data, size, 0); });
  }

  ssize_t try_write(std::span<const iovec> pieces) override {
    if (pieces.size() == 1) {
      return attempt([&] {
        return ::send(socket_.native_handle(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
      });
    }
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    return attempt([&] { return ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL); });
  }

  Task<bool> wait_read() override { return wait(Socket::wait_read); }
  Task<bool> wait_write() override { return wait(Socket::wait_write); }
  void tell_readable(std::shared_ptr<StreamWaiter> waiter) override {
    tell_read(Socket::wait_read, std::move(waiter));
  }
  bool tell_writable(std::shared_ptr<StreamWaiter> waiter) override {
    return tell_write(Socket::wait_write, std::move(waiter));
  }
  void cancel_waits() override {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  bool peer_gone() override {
    pollfd descriptor = {socket_.native_handle(), POLLRDHUP, 0};
    return ::poll(&descriptor, 1, 0) > 0 &&
           (descriptor.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
  }

  void shutdown_write() override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  Socket& socket() override { return socket_; }

 protected:
  Task<bool> wait(Socket::wait_type what) { return socket_.wait_edge(what); }
  void tell_read(Socket::wait_type what, std::shared_ptr<StreamWaiter> waiter) {
    socket_.tell_edge(what, [waiter = std::move(waiter)](bool open) { waiter->readable(open); });
  }
  bool tell_write(Socket::wait_type what, std::shared_ptr<StreamWaiter> waiter) {
    const short events = what == Socket::wait_read ? POLLIN : POLLOUT;
    pollfd descriptor = {socket_.native_handle(), events, 0};
    if (::poll(&descriptor, 1, 0) > 0) return false;
    socket_.tell_edge(what, [waiter = std::move(waiter)](bool open) { waiter->writable(open); });
    return true;
  }

 private:
  EdgeSocket socket_;
};

// OpenSSL over the socket itself. It may want to read in order to write and the other way round.
class TlsStream final : public TcpStream {
 public:
  TlsStream(Socket socket, SSL_CTX* context)
      : TcpStream(std::move(socket)), ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_, this->socket().native_handle());
  }
  ~TlsStream() override { SSL_free(ssl_); }

  SSL* ssl() { return ssl_; }

  // Runs `step` (SSL_accept or SSL_connect) until it is done.
  template <class Step>
  Task<bool> handshake(Step step) {
    while (true) {
      ERR_clear_error();
      const int result = step(ssl_);
      if (result == 1) co_return true;
      if (outcome_of(result, read_waits_for_) != kWouldBlock) co_return false;
      if (!co_await wait(read_waits_for_)) co_return false;
    }
  }

  ssize_t try_read(char* data, size_t size) override {
    if (!this->socket().is_open()) return kBroken;  // OpenSSL has the descriptor's number still
    ERR_clear_error();
    const int result = SSL_read(ssl_, data, static_cast<int>(size));
    return result > 0 ? result : outcome_of(result, read_waits_for_);
  }

  ssize_t try_write(std::span<const iovec> pieces) override {
    if (!this->socket().is_open()) return kBroken;
    // One record for what fits into one: the pieces of a response are joined instead of sent one by
    // one.
    std::string joined;
    const char* data = nullptr;
    size_t size = 0;
    if (pieces.size() == 1) {
      data = static_cast<const char*>(pieces[0].iov_base);
      size = pieces[0].iov_len;
    } else {
      for (const iovec& piece : pieces) {
        joined.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        if (joined.size() >= kRecordBytes) break;
      }
      data = joined.data();
      size = joined.size();
    }
    ERR_clear_error();
    const int result = SSL_write(ssl_, data, static_cast<int>(std::min(size, kRecordBytes)));
    if (result > 0) return result;
    return outcome_of(result, write_waits_for_) == kWouldBlock ? kWouldBlock : kBroken;
  }

  Task<bool> wait_read() override { return wait(read_waits_for_); }
  Task<bool> wait_write() override { return wait(write_waits_for_); }
  void tell_readable(std::shared_ptr<StreamWaiter> waiter) override {
    tell_read(read_waits_for_, std::move(waiter));
  }
  bool tell_writable(std::shared_ptr<StreamWaiter> waiter) override {
    return tell_write(write_waits_for_, std::move(waiter));
  }

  std::string_view alpn() const override {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  bool tls() const override { return true; }
  const PeerCertificate* peer_certificate() const override { return peer_.get(); }

  // Keeps what a client has shown, once the handshake has verified it.
  void keep_peer_certificate() {
    X509* shown = SSL_get0_peer_certificate(ssl_);
    if (shown == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return;
    unsigned char* der = nullptr;
    const int size = i2d_X509(shown, &der);
    const BioPtr subject(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(subject.get(), X509_get_subject_name(shown), 0, XN_FLAG_RFC2253);
    if (size > 0) {
      peer_ = std::make_unique<const PeerCertificate>(
          std::string(reinterpret_cast<const char*>(der), static_cast<size_t>(size)),
          text_of(subject.get()));
    }
    OPENSSL_free(der);
  }

  void shutdown_write() override {
    if (!this->socket().is_open()) return;
    SSL_shutdown(ssl_);
    TcpStream::shutdown_write();
  }

 private:
  static constexpr size_t kRecordBytes = 16 * 1024;

  ssize_t outcome_of(int result, Socket::wait_type& waits_for) {
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ: waits_for = Socket::wait_read; return kWouldBlock;
      case SSL_ERROR_WANT_WRITE: waits_for = Socket::wait_write; return kWouldBlock;
      case SSL_ERROR_ZERO_RETURN: return kClosed;
      default: return kBroken;
    }
  }

  SSL* ssl_;
  std::unique_ptr<const PeerCertificate> peer_;
  // A reader and a writer may wait at the same time, each for what its own last try asked for.
  Socket::wait_type read_waits_for_ = Socket::wait_read;
  Socket::wait_type write_waits_for_ = Socket::wait_write;
};

// Verification by name or by address, as the host is one or the other.
void expect_peer(SSL* ssl, const std::string& host, bool verify) {
  unsigned char address[16];
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (inet_pton(AF_INET, host.c_str(), address) == 1 ||
      inet_pton(AF_INET6, host.c_str(), address) == 1) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  }
  SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
}

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(Socket socket) {
  return std::make_unique<TcpStream>(std::move(socket));
}

Task<std::unique_ptr<Stream>> accept_tls(Socket socket, const TlsServerContext& context) {
  auto stream =
      std::make_unique<TlsStream>(std::move(socket), static_cast<SSL_CTX*>(context.native()));
  if (!co_await stream->handshake(SSL_accept)) co_return nullptr;
  stream->keep_peer_certificate();
  co_return stream;
}

Task<TlsConnected> connect_tls(Socket socket, TlsClientHello hello) {
  auto stream =
      std::make_unique<TlsStream>(std::move(socket), static_cast<SSL_CTX*>(hello.context));
  expect_peer(stream->ssl(), hello.name, hello.verify);
  SSL_set_alpn_protos(stream->ssl(), reinterpret_cast<const unsigned char*>(hello.alpn.data()),
                      static_cast<unsigned>(hello.alpn.size()));
  TlsConnected result;
  if (co_await stream->handshake(SSL_connect)) {
    result.stream = std::move(stream);
    co_return result;
  }
  const long verified = SSL_get_verify_result(stream->ssl());
  result.certificate_refused = hello.verify && verified != X509_V_OK;
  result.reason = result.certificate_refused ? X509_verify_cert_error_string(verified)
                                             : "the TLS handshake failed";
  co_return result;
}

Task<bool> write_all(Stream& stream, std::span<iovec> pieces) {
  while (!pieces.empty()) {
    const ssize_t written = stream.try_write(pieces);
    if (written == Stream::kWouldBlock) {
      if (!co_await stream.wait_write()) co_return false;
      continue;
    }
    if (written < 0) co_return false;
    auto left = static_cast<size_t>(written);
    while (!pieces.empty() && left >= pieces[0].iov_len) {
      left -= pieces[0].iov_len;
      pieces = pieces.subspan(1);
    }
    if (left > 0) {
      pieces[0].iov_base = static_cast<char*>(pieces[0].iov_base) + left;
      pieces[0].iov_len -= left;
    }
  }
  co_return true;
}

Task<bool> write_all(Stream& stream, std::string_view data) {
  iovec piece = {const_cast<char*>(data.data()), data.size()};
  co_return co_await write_all(stream, std::span(&piece, 1));
}

}  // namespace cusp::io
