#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "io/asio.h"
#include "io/tls.h"

namespace cusp::io {

// What a client has shown and the listener's authorities have signed.
struct PeerCertificate {
  std::string der;
  std::string subject;  // RFC 2253 form, printable ASCII: "CN=alice,O=Example"
};

// Told of a stream that is worth another try, see Stream::tell_readable and tell_writable.
class StreamWaiter {
 public:
  virtual ~StreamWaiter() = default;
  // `open` is false when the wait was cancelled or the stream closed.
  virtual void readable(bool open) = 0;
  virtual void writable(bool open) = 0;
};

// A byte stream over a TCP connection, in clear text or in TLS, for the .cc files of sessions.
// Reads and writes are tried at once and waited for only when they would block: a request that is
// ready costs one read and one write and no trip through the loop. Belongs to one shard.
class Stream {
 public:
  // Results of the try_ functions beside a number of bytes.
  static constexpr ssize_t kClosed = 0;       // read: the peer has ended its side
  static constexpr ssize_t kWouldBlock = -1;  // wait, then try again
  static constexpr ssize_t kBroken = -2;      // the connection is of no more use

  virtual ~Stream() = default;

  virtual ssize_t try_read(char* data, size_t size) = 0;
  virtual ssize_t try_write(std::span<const iovec> pieces) = 0;
  // Waits until a try that would have blocked is worth another go; false when the stream was closed
  // meanwhile. Only for the coroutine that has just got kWouldBlock, with no other wait in between:
  // the readiness of a moment before is not told again.
  virtual Task<bool> wait_read() = 0;
  virtual Task<bool> wait_write() = 0;
  // wait_read() for somebody without a coroutine: tells `waiter` once, from the loop.
  virtual void tell_readable(std::shared_ptr<StreamWaiter> waiter) = 0;
  // The same for wait_write(), at any time after a write that would have blocked: asks the kernel
  // whether that has changed. False: it has, and nobody will be told.
  virtual bool tell_writable(std::shared_ptr<StreamWaiter> waiter) = 0;
  // Ends the waits as close() does; the connection goes on.
  virtual void cancel_waits() = 0;
  // The application protocol that the TLS handshake agreed on ("h2"); empty without TLS.
  virtual std::string_view alpn() const { return {}; }
  virtual bool tls() const { return false; }
  // Null: the peer has shown none, or nobody asked it to.
  virtual const PeerCertificate* peer_certificate() const { return nullptr; }
  // Whether the peer has closed the connection or its side of it, even with bytes still unread.
  virtual bool peer_gone() = 0;
  // Tells the peer that no more will be sent.
  virtual void shutdown_write() = 0;
  // Closes now: waits return false. May be called twice.
  virtual void close() = 0;
  virtual Socket& socket() = 0;
};

// Takes a connected socket over: non-blocking, TCP_NODELAY.
std::unique_ptr<Stream> make_tcp_stream(Socket socket);

// The server's side of a TLS handshake; null when it fails. `context` outlives the stream.
Task<std::unique_ptr<Stream>> accept_tls(Socket socket, const TlsServerContext& context);

// The outcome of the client's side of one.
struct TlsConnected {
  std::unique_ptr<Stream> stream;
  bool certificate_refused = false;  // why there is none: the peer's certificate, or anything else
  std::string reason;
};

// What the client's side asks for; what it points at outlives the handshake.
struct TlsClientHello {
  void* context;            // an SSL_CTX of OpenSSL with the authorities to trust
  const std::string& name;  // that the certificate is for: a DNS name or an IP address
  std::string_view alpn;    // wire format (RFC 7301)
  bool verify = true;       // chain and name; false: any certificate will do
};

// The client's side.
Task<TlsConnected> connect_tls(Socket socket, TlsClientHello hello);

// Writes everything; false when the stream broke.
Task<bool> write_all(Stream& stream, std::span<iovec> pieces);
Task<bool> write_all(Stream& stream, std::string_view data);

}  // namespace cusp::io
