#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/h2_frames.h"
#include "http/h2_guard.h"
#include "http/h2_output.h"
#include "http/h2_stream.h"
#include "http/server_context.h"
#include "io/stream.h"

namespace cusp::http {

template <class Connection, class Stream>
struct H2CommonCallbacks;  // h2_common_callbacks.h

// One HTTP/2 connection (RFC 9113): feeds nghttp2 with what comes in, sends what it has to say, and
// keeps the streams. Shared by its coroutine and the streams, which may last longer. One coroutine
// reads; output is written at once, and by a second coroutine only while the socket is full.
class H2Connection final : public ServerContext::Session,
                           public std::enable_shared_from_this<H2Connection> {
 public:
  using Clock = ServerContext::Clock;

  H2Connection(ServerContext& server, std::unique_ptr<io::Stream> stream);
  ~H2Connection() override;

  // Serves until the connection has ended and no handler of it runs any more. `data` was read
  // already.
  io::Task<void> run(std::string data);

  // ServerContext::Session
  void time_out() override;
  void look() override {
    if (streams_.empty()) output_.release();
  }
  void drain() override;
  void abort() override;

  // For the streams. Null after the end of the connection.
  nghttp2_session* session() { return session_; }
  ServerContext& server() { return server_; }
  std::string_view remote_address() const { return remote_address_; }
  uint16_t remote_port() const { return remote_port_; }
  bool tls() const { return tls_; }
  const io::PeerCertificate* client_certificate() const { return stream_->peer_certificate(); }
  // Sends what was submitted, at the latest in the next turn of the loop.
  void flush_soon();
  // Makes sure that time_out() comes by then.
  void wake_by(Clock::time_point when) { deadline = std::min(deadline, when); }
  Clock::time_point after(std::chrono::milliseconds timeout) const {
    return server_.now + timeout + ServerContext::kTick;
  }

 private:
  // What nghttp2 calls, in h2_callbacks.cc.
  friend struct H2Callbacks;
  template <class, class>
  friend struct H2CommonCallbacks;

  enum class Read : uint8_t { kWait, kAgain, kEnd };

  Read read_some();
  void feed(std::string_view data);
  void start_streams();
  void flush();
  io::Task<void> write_when_possible();
  void terminate(uint32_t error_code);
  void say_goodbye();
  void close();
  void close_streams();
  void became_idle();
  void end();

  ServerContext& server_;
  std::unique_ptr<io::Stream> stream_;
  std::list<ServerContext::Session*>::iterator place_;
  nghttp2_session* session_ = nullptr;
  std::string remote_address_;
  uint16_t remote_port_ = 0;
  bool tls_;

  std::unordered_map<int32_t, std::shared_ptr<H2Stream>> streams_;  // open ones
  std::vector<std::shared_ptr<H2Stream>> started_;  // whose head is complete, to be served
  size_t handlers_ = 0;                             // running
  H2Guard guard_;
  H2FrameCheck frames_;

  H2Output output_;
  bool writing_ = false;  // write_when_possible() has the turn
  bool flush_posted_ = false;
  bool feeding_ = false;
  bool terminating_ = false;  // a GOAWAY that ends the connection was submitted
  bool closing_ = false;      // all is said; waits for the peer to close
  bool draining_ = false;

  Clock::time_point idle_deadline_ = Clock::time_point::max();   // no streams
  Clock::time_point head_deadline_ = Clock::time_point::max();   // amid a field section
  Clock::time_point write_deadline_ = Clock::time_point::max();  // the socket is full
  Clock::time_point close_deadline_ = Clock::time_point::max();  // draining or closing
  io::Event coroutines_done_;                                    // the handlers, and the writer
};

// A new server-side nghttp2 session whose callbacks act on `connection`, which outlives it.
nghttp2_session* make_h2_session(H2Connection& connection);

}  // namespace cusp::http
