#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/h1_input.h"
#include "http/h1_parser.h"
#include "http/h1_session.h"
#include "http/h1_writer.h"
#include "io/event.h"

namespace cusp::http {

// How "100 Continue" reads (RFC 9110 section 15.2.1).
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// What may wait for a socket that takes no more: interim responses are not worth waiting for.
inline constexpr size_t kInterimBytesMax = limits::kHeadBytesMax;
// The rest of a request that its handler did not want is read and dropped up to here, so that the
// connection can go on, or so that the client reads the answer before the reset that unread bytes
// would cause.
inline constexpr uint64_t kDrainBytesMax = 256 * 1024;

// How long the rest of what nobody wants is waited for.
inline constexpr std::chrono::seconds kLingerTime{2};

// After how many looks of its server a session that waits for its client pauses.
inline constexpr int kLooksMax = 1;

class H1Body;

// One HTTP/1.1 connection, for the four files that implement it: h1_session.cc (its life and its
// requests), h1_request_body.cc, h1_response.cc and h1_tunnel.cc. Shared by its coroutine and the
// bodies that handlers may keep past the end of it.
class H1Session final : public Connection,
                        public ServerContext::Session,
                        public std::enable_shared_from_this<H1Session> {
 public:
  H1Session(ServerContext& server, H1Pause from);
  ~H1Session() override { server_.sessions.erase(place_); }

  io::Task<H1Pause> run();

  // Connection
  std::string_view remote_address() const override { return remote_address_; }
  uint16_t remote_port() const override { return remote_port_; }
  bool tls() const override { return tls_; }
  const io::PeerCertificate* client_certificate() const override {
    return stream_->peer_certificate();
  }
  InterimSender interim_sender() override;
  void on_client_gone(std::function<void()> callback) override {
    gone_callback_ = std::move(callback);
  }

  // ServerContext::Session
  void time_out() override;
  void drain() override {
    if (idle_) abort();
  }
  void abort() override;
  void look() override;

  // For the request's body.
  io::Task<Result<BodyPart>> read_body(std::chrono::milliseconds patience);
  std::chrono::milliseconds body_patience() const { return server_.limits.body_idle_timeout; }
  std::optional<Result<BodyPart>> try_read_body();
  bool body_ready() const;
  std::optional<uint64_t> body_left() const { return input_.body_left(); }
  void body_dropped();

 private:
  static constexpr int kNotWaiting = -1;

  enum class Step : uint8_t { kRequest, kMore, kPause, kPreface, kRefused, kEnd };
  struct Joined;

  Step next_request();
  H1Pause pause(bool h2);
  Step parse_request();
  Step begin_exchange(const RequestFraming& framing);
  Step refuse(const SyntaxError& error);
  static bool is_short(const Response& response, const std::optional<Result<BodyPart>>& first);
  static std::optional<uint64_t> size_of(const Body& body, const BodyPart& part);
  bool send_short(H1Writer& writer, Response& response,
                  const std::optional<Result<BodyPart>>& first);
  io::Task<bool> send(H1Writer& writer, Response response, std::optional<Result<BodyPart>> first);
  io::Task<bool> send_later(H1Writer& writer, Response& response,
                            std::optional<Result<BodyPart>> first);
  io::Task<bool> send_on();
  io::Task<bool> send_body(BodyPart part, bool begun);
  io::Task<bool> send_part(BodyPart& part);
  io::Task<bool> send_or_give_back(BodyPart& part);
  io::Task<bool> flush_or_pause();
  io::Task<bool> wait_write_or_pause();
  bool can_pause() const;
  void keep_unsent(const BodyPart& part);
  ssize_t write_some();
  void send_interim(uint64_t exchange, uint16_t status, const Fields& fields);
  bool flush_now();
  bool flush_now_with(std::string_view body);
  io::Task<bool> flush();
  io::Task<bool> finish_request_body();
  io::Task<bool> drop_request_body();
  io::Task<void> run_tunnel(Response response);
  io::Task<void> pass_bytes(Tunnel& tunnel);
  io::Task<void> pass_answers(Tunnel& tunnel);
  io::Task<void> linger();
  ssize_t fill_body();
  std::optional<Result<BodyPart>> take_part();
  Result<BodyPart> fail_body(ErrorCode code, const char* message);
  void client_gone();
  void rest();

  // Reading and writing have deadlines of their own: a body may go both ways at once.
  void arm_read(std::chrono::milliseconds timeout) { set(read_deadline_, due(timeout)); }
  void arm_write() { set(write_deadline_, due(server_.limits.body_idle_timeout)); }
  void disarm_read() { set(read_deadline_, ServerContext::Clock::time_point::max()); }
  void disarm_write() { set(write_deadline_, ServerContext::Clock::time_point::max()); }
  ServerContext::Clock::time_point due(std::chrono::milliseconds timeout) const {
    return server_.now + timeout + ServerContext::kTick;
  }
  void set(ServerContext::Clock::time_point& which, ServerContext::Clock::time_point when) {
    which = when;
    deadline = std::min(read_deadline_, write_deadline_);
  }

  ServerContext& server_;
  std::unique_ptr<io::Stream> stream_;
  const bool tls_;
  const HeadLimits limits_;
  std::list<ServerContext::Session*>::iterator place_;
  std::string remote_address_;
  uint16_t remote_port_ = 0;

  H1Input input_;
  Pace read_pace_;              // of the request's body
  size_t seen_ = 0;             // of the unread bytes, how many find_head_end has looked at
  std::string out_;             // what is being written, kept for its capacity
  std::string_view unsent_;     // what follows out_, of the response that is being sent
  Request* request_ = nullptr;  // of run(), whose end lets go of the body
  uint64_t exchange_ = 0;       // another with each request, each response, and at the end
  bool first_;
  bool idle_ = true;          // between requests, with no byte of the next one
  bool reading_head_ = true;  // a request's bytes have begun to come, its head is incomplete
  bool timed_out_ = false;
  std::unique_ptr<H1Sending> sending_;  // what follows unsent_; null: nothing
  bool pauses_ = false;                 // in the middle of that
  // How often look() has found that the client is being waited for, where a pause is possible.
  int looks_ = kNotWaiting;
  bool keep_alive_ = true;
  ServerContext::Clock::time_point read_deadline_ = ServerContext::Clock::time_point::max();
  ServerContext::Clock::time_point write_deadline_ = ServerContext::Clock::time_point::max();

  friend class H1Body;
  H1Body* body_ = nullptr;  // the handler's, while it holds it
  bool expects_continue_ = false;
  bool saying_continue_ = false;  // the reader of the body has the socket
  bool body_failed_ = false;
  bool body_reading_ = false;  // a read of the handler's is under way
  std::optional<io::Event> body_done_;

  std::function<void()> gone_callback_;
  Tunnel* tunnel_ = nullptr;  // that the connection is joined to
};

// The body of one request. It loses its session when the connection goes on to the next one.
class H1Body final : public Body {
 public:
  explicit H1Body(std::shared_ptr<H1Session> session) : session_(std::move(session)) {
    session_->body_ = this;
  }
  ~H1Body() override {
    if (session_) session_->body_dropped();
  }
  void detach() { session_.reset(); }

  io::Task<Result<BodyPart>> read() override {
    return session_ ? session_->read_body(session_->body_patience()) : over();
  }
  bool ready() override { return !session_ || session_->body_ready(); }
  std::optional<Result<BodyPart>> try_read() override {
    return session_ ? session_->try_read_body() : std::nullopt;
  }
  std::optional<uint64_t> size() const override {
    return session_ ? session_->body_left() : std::nullopt;
  }

 private:
  static io::Task<Result<BodyPart>> over() {
    co_return fail(ErrorCode::kCancelled, "the exchange is over");
  }

  std::shared_ptr<H1Session> session_;  // shared: the session's coroutine may end first
};

}  // namespace cusp::http
