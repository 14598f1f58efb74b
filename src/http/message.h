#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/body.h"
#include "http/fields.h"
#include "http/tunnel.h"

namespace cusp::io {
struct PeerCertificate;  // io/stream.h
}

namespace cusp::http {

enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };

// Sends an interim response (RFC 9110 section 15.2), such as 103 (Early Hints), to the client of
// one request. Does nothing when that request has had its response or its client is gone, and drops
// what the client does not take. On its shard; may outlive the request.
using InterimSender = std::function<void(uint16_t status, const Fields& fields)>;

// What a request knows about the connection it came on. Owned by the session; outlives the
// request's handler.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual std::string_view remote_address() const = 0;  // "192.0.2.1" or "2001:db8::1", no port
  virtual uint16_t remote_port() const = 0;
  virtual bool tls() const = 0;
  // What the client has shown, verified; null: none.
  virtual const io::PeerCertificate* client_certificate() const { return nullptr; }

  // Sends interim responses ahead of this request's response; empty where the client understands
  // none. Costs nothing until it is asked for.
  virtual InterimSender interim_sender() { return {}; }

  // Calls `callback` once, on this shard, when the client goes away before its response is
  // complete. Costs nothing until it is asked for. A later call replaces the callback; an empty one
  // withdraws it.
  virtual void on_client_gone(std::function<void()> callback) = 0;
};

// A request as a handler sees it, the same for HTTP/1.1 and HTTP/2. A session has checked the
// syntax of every member (RFC 9112, RFC 9113); `host` and connection-specific fields are already
// taken out of `fields` where the version says so.
struct Request {
  std::string method;  // "GET"; a token
  std::string scheme;  // "http" or "https", from the connection
  std::string
      authority;  // from :authority, an absolute target, or Host; never empty for HTTP/1.1 and 2
  std::string target;  // path and query in origin form, starting with '/', or "*" for OPTIONS
  Version version = Version::kHttp11;
  Fields fields;               // with "host" for HTTP/1.1 and 2 alike
  std::unique_ptr<Body> body;  // null: the request has none
  Connection* connection =
      nullptr;  // never null inside a server's handler; null in a client's request
  // Whether the body comes only when it is asked for (RFC 9110 section 10.1.1): reading it is how a
  // handler asks, an answer in place of that is how it declines. In a client's request: read the
  // body only when the upstream has said 100 (Continue), or nothing for limits::kContinueTimeout.
  bool expects_continue = false;
  // The protocol that the client asks to switch to, in lower case ("websocket"); empty when it does
  // not ask properly: HTTP/1.1 only, one protocol, no body, never "h2c". A handler grants it with a
  // 101 and is free to ignore it. A request with one is sent by the client over HTTP/1.1.
  std::string upgrade;
};

struct Response {
  uint16_t status = 200;
  Fields fields;  // the session adds framing (content-length, transfer-encoding, connection) and
                  // date where missing
  std::unique_ptr<Body> body;  // null: empty
  // With status 101, which answers Request::upgrade, and never otherwise: what the connection is
  // joined to. The session and the client see to the fields "connection" and "upgrade".
  std::unique_ptr<Tunnel> tunnel;
};

// What answers requests. One object serves all requests of a shard.
class Handler {
 public:
  virtual ~Handler() = default;

  // `request` lives until the response has been sent or given up; the handler may move members out
  // of it. Never fails: an error is a response too.
  virtual io::Task<Response> respond(Request& request) = 0;
};

// A response with a short text/plain body.
Response text_response(uint16_t status, std::string text);

// "Not Found" for 404, "" for a code without a registered phrase.
std::string_view reason_phrase(uint16_t status);

}  // namespace cusp::http
