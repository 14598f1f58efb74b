#include "http/h1_session.h"

#include <array>
#include <optional>
#include <utility>

#include "http/h1_input.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"
#include "io/event.h"

namespace cusp::http {

namespace {

using io::Stream;
using std::string_view;

// The rest of a request that its handler did not want is read and dropped up to here, so that the
// connection can go on, or so that the client reads the answer before the reset that unread bytes
// would cause.
constexpr uint64_t kDrainBytesMax = 256 * 1024;
constexpr std::chrono::seconds kLingerTime{2};
// A body up to this size is joined with its head; beyond it, copying costs more than a second
// piece.
constexpr size_t kJoinBytesMax = 16 * 1024;
// What the buffer for output may hold while the connection is idle.
constexpr size_t kIdleBytesMax = 2 * 1024;
// How many pipelined requests are served before other connections get their turn.
constexpr int kRequestsPerTurn = 64;
// How the HTTP/2 preface starts (RFC 9113 section 3.4): no HTTP/1.1 request does.
constexpr string_view kH2Preface = "PRI * HTTP/2.0\r\n";
constexpr string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

class H1Body;

// Whether the third word of the first line names HTTP in some version. A client whose does not, as
// in a spoilt HTTP/2 preface, would take our answer in HTTP/1.1 for something else.
bool names_http(string_view data) {
  const string_view line = data.substr(0, data.find('\r'));
  const size_t last = line.rfind(' ');
  return line.find(' ') == last || line.substr(last + 1).starts_with("HTTP/");
}

// One connection. Shared by its coroutine and the bodies that handlers may keep past the end of it.
class H1Session final : public Connection,
                        public ServerContext::Session,
                        public std::enable_shared_from_this<H1Session> {
 public:
  H1Session(ServerContext& server, std::unique_ptr<Stream> stream);
  ~H1Session() override { server_.sessions.erase(place_); }

  io::Task<H1Outcome> run();

  // Connection
  string_view remote_address() const override { return remote_address_; }
  uint16_t remote_port() const override { return remote_port_; }
  bool tls() const override { return tls_; }
  void on_client_gone(std::function<void()> callback) override {
    gone_callback_ = std::move(callback);
  }

  // ServerContext::Session
  void time_out() override;
  void drain() override {
    if (idle_) abort();
  }
  void abort() override;
  void look() override {
    if (gone_callback_ && stream_->peer_gone()) client_gone();
  }

  // For the request's body.
  io::Task<Result<BodyPart>> read_body();
  bool body_ready() const;
  std::optional<uint64_t> body_left() const { return input_.body_left(); }
  void body_dropped();

 private:
  enum class Step : uint8_t { kRequest, kMore, kPreface, kRefused, kEnd };

  Step next_request();
  Step parse_request();
  Step begin_exchange(const RequestFraming& framing);
  Step refuse(SyntaxError error);
  io::Task<bool> send(Response response);
  io::Task<bool> send_part(H1Writer& writer, const BodyPart& part);
  bool flush_now();
  io::Task<bool> flush();
  io::Task<bool> finish_request_body();
  io::Task<bool> drop_request_body();
  io::Task<void> linger();
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
  std::unique_ptr<Stream> stream_;
  const bool tls_;
  const HeadLimits limits_;
  std::list<ServerContext::Session*>::iterator place_;
  std::string remote_address_;
  uint16_t remote_port_ = 0;

  H1Input input_;
  size_t seen_ = 0;             // of the unread bytes, how many find_head_end has looked at
  std::string out_;             // what is being written, kept for its capacity
  Request* request_ = nullptr;  // of run(), whose end lets go of the body
  bool first_ = true;
  bool idle_ = true;          // between requests, with no byte of the next one
  bool reading_head_ = true;  // a request's bytes have begun to come, its head is incomplete
  bool timed_out_ = false;
  bool keep_alive_ = true;
  ServerContext::Clock::time_point read_deadline_ = ServerContext::Clock::time_point::max();
  ServerContext::Clock::time_point write_deadline_ = ServerContext::Clock::time_point::max();

  friend class H1Body;
  H1Body* body_ = nullptr;  // the handler's, while it holds it
  bool expects_continue_ = false;
  bool body_failed_ = false;
  bool body_reading_ = false;  // a read of the handler's is under way
  std::optional<io::Event> body_done_;

  std::function<void()> gone_callback_;
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

  io::Task<Result<BodyPart>> read() override { return session_ ? session_->read_body() : over(); }
  bool ready() override { return !session_ || session_->body_ready(); }
  std::optional<uint64_t> size() const override {
    return session_ ? session_->body_left() : std::nullopt;
  }

 private:
  static io::Task<Result<BodyPart>> over() {
    co_return fail(ErrorCode::kCancelled, "the exchange is over");
  }

  std::shared_ptr<H1Session> session_;  // shared: the session's coroutine may end first
};

H1Session::H1Session(ServerContext& server, std::unique_ptr<Stream> stream)
    : server_(server),
      stream_(std::move(stream)),
      tls_(stream_->tls()),
      limits_{server.limits.head_bytes_max, limits::kTargetBytesMax, server.limits.fields_max},
      input_(limits_) {
  boost::system::error_code error;
  const auto remote = stream_->socket().remote_endpoint(error);
  if (!error) {
    remote_address_ = remote.address().to_string();
    remote_port_ = remote.port();
  }
  place_ = server_.sessions.insert(server_.sessions.end(), this);
}

// ---- the connection --------------------------------------------------------------------------

io::Task<H1Outcome> H1Session::run() {
  H1Outcome outcome;
  Request request;
  request_ = &request;
  for (int turn = 0;;) {
    rest();
    Step step = next_request();
    while (step == Step::kMore) {
      turn = 0;
      step = co_await stream_->wait_read() ? next_request() : Step::kEnd;
    }
    if (step == Step::kPreface) {
      disarm_read();
      outcome.h2_data = input_.unread();
      outcome.h2_stream = std::move(stream_);
      co_return outcome;
    }
    if (step == Step::kRefused) co_await linger();
    if (step != Step::kRequest) break;

    Response response = co_await server_.handler.respond(request);
    if (!co_await send(std::move(response))) break;
    disarm_write();
    gone_callback_ = nullptr;
    request_->body.reset();
    const bool body_done = body_ == nullptr && input_.body_ended();
    if ((!body_done && !co_await finish_request_body()) || !keep_alive_) {
      co_await linger();
      break;
    }
    if (++turn == kRequestsPerTurn) {
      turn = 0;
      co_await io::asio::post(server_.executor, io::use_task);
    }
  }
  abort();
  deadline = ServerContext::Clock::time_point::max();
  co_return outcome;
}

// Between two requests.
void H1Session::rest() {
  out_.clear();
  idle_ = input_.unread().empty();
  reading_head_ = !idle_;
  seen_ = 0;
  if (idle_) {
    input_.release();
    if (out_.capacity() > kIdleBytesMax) std::string().swap(out_);
  }
  arm_read(idle_ ? server_.limits.keep_alive_timeout : server_.limits.head_timeout);
}

void H1Session::time_out() {
  timed_out_ = true;
  if (reading_head_) refuse({408, "the head took too long"});
  abort();
}

void H1Session::abort() {
  if (stream_) stream_->close();
  client_gone();
  if (body_done_) body_done_->notify();
}

void H1Session::client_gone() {
  if (auto callback = std::exchange(gone_callback_, nullptr)) callback();
}

// ---- requests --------------------------------------------------------------------------------

// Takes the next request from what has come; kMore is for when nothing has.
H1Session::Step H1Session::next_request() {
  while (true) {
    if (!input_.unread().empty()) {
      const Step step = parse_request();
      if (step != Step::kMore) return step;
    } else if (server_.draining) {
      return Step::kEnd;
    }
    const ssize_t size = input_.fill(*stream_, server_.scratch);
    if (size == Stream::kWouldBlock) return Step::kMore;
    if (size <= 0) return Step::kEnd;
    if (!reading_head_) {
      idle_ = false;
      reading_head_ = true;
      arm_read(server_.limits.head_timeout);
    }
  }
}

H1Session::Step H1Session::parse_request() {
  // One empty line before a request is tolerated (RFC 9112 section 2.2).
  if (seen_ == 0 && input_.unread().starts_with("\r\n")) input_.consume(2);
  const string_view data = input_.unread();
  if (first_ && data.starts_with(kH2Preface.substr(0, data.size()))) {
    return data.size() < kH2Preface.size() ? Step::kMore : Step::kPreface;
  }
  const auto end = find_head_end(data, seen_, limits_);
  if (!end) return refuse(end.error());
  if (!*end) {
    seen_ = data.size();
    return Step::kMore;
  }
  const auto framing = parse_request_head(data.substr(0, **end), limits_, *request_);
  if (!framing) return first_ && !names_http(data) ? Step::kEnd : refuse(framing.error());
  input_.consume(**end);
  first_ = false;
  reading_head_ = false;
  disarm_read();
  return begin_exchange(*framing);
}

H1Session::Step H1Session::begin_exchange(const RequestFraming& framing) {
  if (framing.content_length > server_.limits.body_bytes_max) {
    return refuse({413, "the body is larger than the limit"});
  }
  input_.begin_body(framing.framing, framing.content_length);
  body_failed_ = false;
  keep_alive_ = framing.keep_alive;
  expects_continue_ = framing.expects_continue && !input_.body_ended();
  request_->scheme = tls_ ? "https" : "http";
  request_->connection = this;
  if (!input_.body_ended()) request_->body = std::make_unique<H1Body>(shared_from_this());
  return Step::kRequest;
}

// Answers what could not be read as a request, as far as the socket takes it at once.
H1Session::Step H1Session::refuse(SyntaxError error) {
  const std::string text = std::string(reason_phrase(error.status)) + ": " + error.reason + "\n";
  Response response;
  response.status = error.status;
  response.fields.add("content-type", "text/plain; charset=utf-8");
  H1Writer writer("GET", Version::kHttp11, false);
  out_.clear();
  writer.head(response, text.size(), server_.date, out_);
  out_.append(text);
  const iovec piece = {out_.data(), out_.size()};
  stream_->try_write(std::span(&piece, 1));
  return Step::kRefused;
}

// Lets the client read the answer before the connection goes.
io::Task<void> H1Session::linger() {
  stream_->shutdown_write();
  arm_read(kLingerTime);
  for (uint64_t bytes = 0; bytes < kDrainBytesMax;) {
    const ssize_t size = stream_->try_read(server_.scratch.data(), server_.scratch.size());
    if (size > 0) {
      bytes += static_cast<uint64_t>(size);
    } else if (size != Stream::kWouldBlock || !co_await stream_->wait_read()) {
      break;
    }
  }
}

// ---- the request's body ----------------------------------------------------------------------

Result<BodyPart> H1Session::fail_body(ErrorCode code, const char* message) {
  body_failed_ = true;
  if (body_done_) body_done_->notify();
  return fail(code, message);
}

bool H1Session::body_ready() const {
  return body_failed_ || input_.body_ended() || !input_.unread().empty();
}

void H1Session::body_dropped() {
  body_ = nullptr;
  if (body_done_) body_done_->notify();
}

io::Task<Result<BodyPart>> H1Session::read_body() {
  const auto keep = shared_from_this();
  if (body_failed_ || input_.body_ended()) {
    co_return fail(ErrorCode::kCancelled, "the body has ended");
  }
  if (std::exchange(expects_continue_, false)) {
    if (!co_await io::write_all(*stream_, kContinue)) {
      co_return fail_body(ErrorCode::kCancelled, "the client went away");
    }
  }
  while (true) {
    auto part = input_.next_part();
    if (!part) co_return fail_body(part.error().code, part.error().message.c_str());
    if (input_.body_bytes() > server_.limits.body_bytes_max) {
      co_return fail_body(ErrorCode::kResourceExhausted, "the body is larger than the limit");
    }
    if (*part) {
      disarm_read();
      if ((*part)->end && body_done_) body_done_->notify();
      co_return std::move(**part);
    }
    const ssize_t size = input_.fill(*stream_, server_.scratch);
    if (size > 0) continue;
    bool open = size == Stream::kWouldBlock;
    if (open) {
      arm_read(server_.limits.body_idle_timeout);
      body_reading_ = true;
      open = co_await stream_->wait_read();
      body_reading_ = false;
    }
    if (open) continue;
    co_return fail_body(timed_out_ ? ErrorCode::kDeadlineExceeded : ErrorCode::kCancelled,
                        timed_out_ ? "the client was too slow" : "the client went away");
  }
}

// After the response: the handler may go on reading, for its work after it. Then makes the
// connection ready for the next request, if what is left of this one is little.
io::Task<bool> H1Session::finish_request_body() {
  body_done_.emplace(server_.executor);
  while ((body_ != nullptr || body_reading_) && !input_.body_ended() && !body_failed_) {
    const uint64_t before = input_.body_bytes();
    const auto end = ServerContext::Clock::now() + server_.limits.body_idle_timeout;
    if (!co_await body_done_->wait_until(end) && input_.body_bytes() == before) co_return false;
  }
  body_done_.reset();
  if (body_ != nullptr) std::exchange(body_, nullptr)->detach();
  if (body_failed_ || body_reading_ || !keep_alive_) co_return false;
  // A client that was never told to go on may or may not send the body: only closing is
  // unambiguous (RFC 9110 section 10.1.1).
  if (expects_continue_) co_return false;
  co_return co_await drop_request_body();
}

io::Task<bool> H1Session::drop_request_body() {
  if (input_.body_left().value_or(0) > kDrainBytesMax) co_return false;
  const uint64_t end = input_.body_bytes() + kDrainBytesMax;
  while (!input_.body_ended()) {
    if (!co_await read_body() || input_.body_bytes() > end) co_return false;
  }
  co_return true;
}

// ---- responses -------------------------------------------------------------------------------

io::Task<bool> H1Session::send(Response response) {
  // A request's body that is over a limit or broken leaves nothing to go on from.
  H1Writer writer(request_->method, request_->version,
                  keep_alive_ && !server_.draining && !body_failed_);
  Body* const body = writer.sends_body(response.status) ? response.body.get() : nullptr;
  BodyPart part{.end = body == nullptr};
  if (body != nullptr && body->ready()) {
    auto first = co_await body->read();
    if (!first) {
      refuse({502, "the response broke off"});
      keep_alive_ = false;
      co_return true;
    }
    part = std::move(*first);
  }
  // A handler that has taken the request's body will read it while it answers.
  if (expects_continue_ && body_ != nullptr && request_->body == nullptr) {
    expects_continue_ = false;
    out_.append(kContinue);
  }
  std::optional<uint64_t> size = part.data.size();
  if (body == nullptr && response.body) {
    size = response.body->size();
  } else if (!part.end) {
    size = body->size();
    if (size) *size += part.data.size();
  } else if (part.trailers) {
    size.reset();
  }
  writer.head(response, size, server_.date, out_);
  keep_alive_ = writer.keep_alive();
  if (body == nullptr) co_return co_await flush();
  bool sent = co_await send_part(writer, part);
  while (sent && !part.end) {
    disarm_write();
    auto next = co_await body->read();
    out_.clear();
    sent = next && co_await send_part(writer, *next);
    if (sent) part = std::move(*next);
  }
  // What is not complete must not look like it.
  if (!sent) stream_->close();
  co_return sent;
}

// Sends out_, the part and its framing.
io::Task<bool> H1Session::send_part(H1Writer& writer, const BodyPart& part) {
  if (!writer.body(part, out_)) co_return false;  // more or fewer bytes than content-length says
  const iovec after = writer.after(part);
  if (part.data.size() <= kJoinBytesMax) {
    out_.append(part.data).append(static_cast<const char*>(after.iov_base), after.iov_len);
    co_return flush_now() || co_await flush();
  }
  std::array<iovec, 3> pieces = {iovec{out_.data(), out_.size()},
                                 iovec{const_cast<char*>(part.data.data()), part.data.size()},
                                 after};
  arm_write();
  co_return co_await io::write_all(*stream_, pieces);
}

// Writes what the socket takes of out_; true when that was all.
bool H1Session::flush_now() {
  const iovec piece = {out_.data(), out_.size()};
  const ssize_t written = stream_->try_write(std::span(&piece, 1));
  if (written > 0) out_.erase(0, static_cast<size_t>(written));
  return out_.empty();
}

io::Task<bool> H1Session::flush() {
  arm_write();
  co_return co_await io::write_all(*stream_, out_);
}

}  // namespace

io::Task<H1Outcome> serve_h1(ServerContext& server, std::unique_ptr<io::Stream> stream) {
  const auto session = std::make_shared<H1Session>(server, std::move(stream));
  co_return co_await session->run();
}

}  // namespace cusp::http
