#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "http/client_connect.h"
#include "http/client_exchange.h"
#include "http/client_watchdog.h"
#include "http/h2_guard.h"
#include "http/h2_output.h"

namespace cusp::http {

template <class Connection, class Stream>
struct H2CommonCallbacks;  // h2_common_callbacks.h

class H2ClientStream;

// The client's side of one HTTP/2 connection (RFC 9113), shared by the requests of its origin:
// feeds nghttp2 with what comes in, sends what it has to say, and keeps the streams. Held by its
// own coroutine, the pool, and the streams. It closes itself when it has had no stream for
// limits::kIdleTimeout, and when the upstream floods it with what moves nothing on (h2_guard.h).
class H2Client final : public std::enable_shared_from_this<H2Client> {
 public:
  // Says the preface and starts to read. `room` is called when a stream has ended, and when the
  // upstream has said how many it allows.
  static std::shared_ptr<H2Client> start(io::Executor executor, Origin origin, Upstream upstream,
                                         std::function<void()> room);
  H2Client(io::Executor executor, Origin origin, Upstream upstream, std::function<void()> room);
  ~H2Client();

  // Whether one more request may go over it by what the upstream has said; not before that. The
  // request that it was made for need not ask.
  bool has_room() const;
  bool ended() const { return session_ == nullptr; }
  const std::string& address() const { return upstream_.address; }
  const Origin& origin() const { return origin_; }
  // Takes no more requests; closes with the last of them.
  void retire();

  // For the streams. Null after the end of the connection.
  nghttp2_session* session() { return session_; }
  // Opens the next stream; false when the connection has ended or its numbers are used up.
  bool open(const std::shared_ptr<H2ClientStream>& stream, std::span<const nghttp2_nv> fields,
            const nghttp2_data_provider* body);
  // Sends what was submitted, at the latest in the next turn of the loop.
  void flush_soon();
  // How often anything has come in: whether the upstream is alive.
  uint64_t reads() const { return reads_; }
  // What ended the connection, where that was the upstream's breach of HTTP/2.
  bool breached() const { return breached_; }

 private:
  // What nghttp2 calls, in client_h2_callbacks.cc.
  friend struct H2ClientCallbacks;
  template <class, class>
  friend struct H2CommonCallbacks;

  enum class Read : uint8_t { kWait, kAgain, kEnd };

  io::Task<void> run();
  Read read_some();
  void feed(std::string_view data);
  void flush();
  io::Task<void> write_when_possible();
  void terminate(uint32_t error_code);
  void settings_came();
  void stream_ended();
  void abort();
  void end();

  io::Executor executor_;
  const Origin origin_;
  Upstream upstream_;
  std::function<void()> room_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::shared_ptr<H2ClientStream>> streams_;  // open ones
  H2Guard guard_;
  H2Output output_;
  Watchdog idle_;
  Watchdog writing_watch_;
  uint64_t reads_ = 0;
  bool writing_ = false;  // write_when_possible() has the turn
  bool flush_posted_ = false;
  bool feeding_ = false;
  bool settings_known_ = false;
  bool retired_ = false;
  bool terminating_ = false;  // a GOAWAY that ends the connection was submitted
  bool breached_ = false;
};

// A new client-side nghttp2 session whose callbacks act on `connection`, which outlives it.
nghttp2_session* make_h2_client_session(H2Client& connection);

// Sends the request over a stream of its own and returns when the head of the response is there;
// otherwise like exchange_h1.
io::Task<ClientAnswer> exchange_h2(io::Executor executor, std::shared_ptr<H2Client> connection,
                                   ClientCall call);

}  // namespace cusp::http
