#include "http/h1_session.h"

#include <poll.h>

#include <charconv>

#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace cusp::http {

namespace {

using io::Stream;
using std::string_view;

constexpr size_t kReadBytes = 16 * 1024;
// The rest of a request that its handler did not want is read and dropped up to here, so that the
// connection can go on.
constexpr uint64_t kDrainBytesMax = 256 * 1024;
// How the HTTP/2 preface starts (RFC 9113 section 3.4): no HTTP/1.1 request does.
constexpr string_view kH2Preface = "PRI * HTTP/2.0\r\n";

// One connection. Shared by its coroutine and the bodies that handlers may keep past the end of it.
class H1Session final : public Connection,
                        public ServerContext::Session,
                        public std::enable_shared_from_this<H1Session> {
 public:
  H1Session(ServerContext& server, std::unique_ptr<Stream> stream)
      : server_(server),
        stream_(std::move(stream)),
        limits_{server.limits.head_bytes_max, limits::kTargetBytesMax, server.limits.fields_max} {
    boost::system::error_code error;
    const auto remote = stream_->socket().remote_endpoint(error);
    if (!error) {
      remote_address_ = remote.address().to_string();
      remote_port_ = remote.port();
    }
    place_ = server_.sessions.insert(server_.sessions.end(), this);
  }
  ~H1Session() override { server_.sessions.erase(place_); }

  io::Task<H1Outcome> run();

  // Connection
  string_view remote_address() const override { return remote_address_; }
  uint16_t remote_port() const override { return remote_port_; }
  bool tls() const override { return stream_->tls(); }
  void on_client_gone(std::function<void()> callback) override;

  // ServerContext::Session
  void time_out() override {
    timed_out_ = true;
    abort();
  }
  void drain() override {
    if (idle_) abort();
  }
  void abort() override {
    stream_->close();
    client_gone();
  }

  // For the request's body.
  io::Task<Result<BodyPart>> read_body();
  bool body_ready() const { return body_error_ || body_ended_ || at_ < buffer_.size(); }
  void body_dropped() { body_alive_ = false; }

 private:
  io::Task<bool> fill();
  io::Task<std::optional<RequestHead>> read_head();
  io::Task<bool> exchange(RequestHead head);
  io::Task<bool> send(Response response, const RequestHead& head);
  io::Task<bool> send_streamed(H1Writer& writer, Response& response);
  io::Task<bool> send_error(SyntaxError error);
  io::Task<bool> finish_request_body();
  Result<std::optional<BodyPart>> decode_body();
  Result<BodyPart> fail_body(ErrorCode code, const char* message);
  io::Task<void> watch_client();
  void client_gone();
  void arm(std::chrono::milliseconds timeout) {
    deadline = server_.now + timeout + ServerContext::kTick;
  }
  void disarm() { deadline = ServerContext::Clock::time_point::max(); }
  bool is_h2_preface() const { return unread().starts_with(kH2Preface); }
  string_view unread() const { return string_view(buffer_).substr(at_); }

  ServerContext& server_;
  std::unique_ptr<Stream> stream_;
  const HeadLimits limits_;
  std::list<ServerContext::Session*>::iterator place_;
  std::string remote_address_;
  uint16_t remote_port_ = 0;

  std::string buffer_;  // bytes read; those before at_ are done with
  size_t at_ = 0;
  std::string out_;  // the head being written, kept for its capacity
  bool idle_ = true;
  bool timed_out_ = false;

  // The body of the request being served.
  Framing framing_ = Framing::kNone;
  uint64_t body_left_ = 0;
  uint64_t body_bytes_ = 0;
  std::optional<ChunkedDecoder> chunks_;
  bool expects_continue_ = false;
  bool body_ended_ = true;
  bool body_error_ = false;
  bool body_reading_ = false;  // a read of the handler's is under way
  bool body_alive_ = false;    // the handler holds the body

  std::function<void()> gone_callback_;
  bool watching_ = false;
};

class H1Body final : public Body {
 public:
  explicit H1Body(std::shared_ptr<H1Session> session, std::optional<uint64_t> size)
      : session_(std::move(session)), size_(size) {}
  ~H1Body() override { session_->body_dropped(); }

  io::Task<Result<BodyPart>> read() override { return session_->read_body(); }
  bool ready() override { return session_->body_ready(); }
  std::optional<uint64_t> size() const override { return size_; }

 private:
  std::shared_ptr<H1Session> session_;  // shared: the session's coroutine may end first
  std::optional<uint64_t> size_;
};

// ---- reading
// --------------------------------------------------------------------------------------------------------

// Reads more bytes behind those in the buffer; false at the end of the connection.
io::Task<bool> H1Session::fill() {
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  } else if (at_ > kReadBytes) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  const size_t before = buffer_.size();
  while (true) {
    ssize_t size = 0;
    buffer_.resize_and_overwrite(before + kReadBytes, [&](char* data, size_t) {
      size = stream_->try_read(data + before, kReadBytes);
      return before + static_cast<size_t>(std::max<ssize_t>(size, 0));
    });
    if (size > 0) co_return true;
    if (size != Stream::kWouldBlock) co_return false;
    // An idle connection holds no buffer.
    if (before == 0 && idle_) std::string().swap(buffer_);
    if (!co_await stream_->wait_read()) co_return false;
  }
}

io::Task<std::optional<RequestHead>> H1Session::read_head() {
  size_t seen = 0;
  idle_ = unread().empty();
  arm(idle_ ? server_.limits.keep_alive_timeout : server_.limits.head_timeout);
  while (true) {
    // An empty line before a request is tolerated (RFC 9112 section 2.2), one only.
    if (unread().starts_with("\r\n") && seen == 0) at_ += 2;
    if (!unread().empty()) {
      if (is_h2_preface()) co_return std::nullopt;
      const auto end = find_head_end(unread(), seen, limits_);
      if (!end) {
        co_await send_error(end.error());
        co_return std::nullopt;
      }
      if (*end) {
        auto head = parse_request_head(unread().substr(0, **end), limits_);
        if (!head) {
          co_await send_error(head.error());
          co_return std::nullopt;
        }
        at_ += **end;
        idle_ = false;
        co_return std::move(*head);
      }
      seen = unread().size();
    }
    if (!co_await fill()) {
      if (timed_out_ && seen > 0) co_await send_error({408, "the head took too long"});
      co_return std::nullopt;
    }
    if (idle_) {
      idle_ = false;
      arm(server_.limits.head_timeout);
    }
  }
}

Result<BodyPart> H1Session::fail_body(ErrorCode code, const char* message) {
  body_error_ = true;
  return fail(code, message);
}

// The next part from the bytes that are there; nothing when more are needed.
Result<std::optional<BodyPart>> H1Session::decode_body() {
  BodyPart part;
  if (framing_ == Framing::kLength) {
    const string_view data = unread().substr(
        0, std::min<uint64_t>({body_left_, limits::kBodyChunkBytes, unread().size()}));
    part.data = data;
    at_ += data.size();
    body_left_ -= data.size();
    part.end = body_left_ == 0;
  } else {
    while (part.data.size() < limits::kBodyChunkBytes && !part.end) {
      const auto step = chunks_->next(unread().substr(0, limits::kBodyChunkBytes));
      if (!step) return fail(ErrorCode::kInvalidArgument, step.error().reason);
      if (step->consumed == 0 && !step->end) break;
      part.data.append(step->data);
      at_ += step->consumed;
      part.end = step->end;
    }
    if (part.end) {
      Fields trailers = chunks_->take_trailers();
      if (!trailers.empty()) part.trailers = std::move(trailers);
    }
  }
  body_bytes_ += part.data.size();
  if (body_bytes_ > server_.limits.body_bytes_max) {
    return fail(ErrorCode::kResourceExhausted, "the body is larger than the limit");
  }
  body_ended_ = part.end;
  if (part.data.empty() && !part.end) return std::optional<BodyPart>();
  return std::optional(std::move(part));
}

io::Task<Result<BodyPart>> H1Session::read_body() {
  const auto keep = shared_from_this();
  if (body_error_ || body_ended_)
    co_return fail_body(ErrorCode::kCancelled, "the exchange is over");
  if (std::exchange(expects_continue_, false)) {
    if (!co_await io::write_all(*stream_, "HTTP/1.1 100 Continue\r\n\r\n")) {
      co_return fail_body(ErrorCode::kCancelled, "the client went away");
    }
  }
  while (true) {
    auto part = decode_body();
    if (!part) co_return fail_body(part.error().code, part.error().message.c_str());
    if (*part) {
      disarm();
      co_return std::move(**part);
    }
    arm(server_.limits.body_idle_timeout);
    body_reading_ = true;
    const bool more = co_await fill();
    body_reading_ = false;
    if (!more) {
      co_return fail_body(timed_out_ ? ErrorCode::kDeadlineExceeded : ErrorCode::kCancelled,
                          timed_out_ ? "the client was too slow" : "the client went away");
    }
  }
}

// ---- the client
// -----------------------------------------------------------------------------------------------------

void H1Session::on_client_gone(std::function<void()> callback) {
  gone_callback_ = std::move(callback);
  if (!gone_callback_ || watching_) return;
  watching_ = true;
  io::asio::co_spawn(
      server_.executor,
      [](std::shared_ptr<H1Session> session) -> io::Task<void> {
        co_await session->watch_client();
      }(shared_from_this()),
      io::asio::detached);
}

// Waits until the peer has closed. Bytes that come meanwhile (a pipelined request, the body) are
// left for their readers.
io::Task<void> H1Session::watch_client() {
  while (gone_callback_) {
    const auto [error] = co_await stream_->socket().async_wait(io::Socket::wait_read, io::use_task);
    if (error) break;
    pollfd descriptor = {stream_->socket().native_handle(), POLLRDHUP, 0};
    if (::poll(&descriptor, 1, 0) > 0 &&
        (descriptor.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      watching_ = false;
      client_gone();
      co_return;
    }
  }
  watching_ = false;
}

void H1Session::client_gone() {
  if (auto callback = std::exchange(gone_callback_, nullptr)) callback();
}

// ---- exchanges
// ------------------------------------------------------------------------------------------------------

io::Task<H1Outcome> H1Session::run() {
  H1Outcome outcome;
  while (!server_.draining) {
    auto head = co_await read_head();
    if (!head) {
      if (is_h2_preface()) {
        outcome.h2_stream = std::move(stream_);
        outcome.h2_data = unread();
        co_return outcome;
      }
      break;
    }
    disarm();
    if (!co_await exchange(std::move(*head))) break;
  }
  disarm();
  client_gone();
  co_return outcome;
}

// One request and its response; false when the connection cannot serve another.
io::Task<bool> H1Session::exchange(RequestHead head) {
  framing_ = head.framing;
  body_left_ = head.content_length;
  body_bytes_ = 0;
  body_ended_ = framing_ == Framing::kNone;
  body_error_ = false;
  expects_continue_ = head.expects_continue && !body_ended_;
  if (framing_ == Framing::kChunked) chunks_.emplace(limits_);
  if (framing_ == Framing::kLength && body_left_ > server_.limits.body_bytes_max) {
    co_return co_await send_error({413, "the body is larger than the limit"});
  }

  Request request{.method = head.method,
                  .scheme = stream_->tls() ? "https" : "http",
                  .authority = std::move(head.authority),
                  .target = std::move(head.target),
                  .version = head.version,
                  .fields = std::move(head.fields),
                  .connection = this};
  for (const string_view name : {"connection", "keep-alive", "proxy-connection",
                                 "transfer-encoding", "upgrade", "te", "expect"}) {
    request.fields.remove(name);
  }
  if (!body_ended_) {
    body_alive_ = true;
    const bool sized = framing_ == Framing::kLength;
    request.body = std::make_unique<H1Body>(shared_from_this(),
                                            sized ? std::optional(body_left_) : std::nullopt);
  }
  Response response = co_await server_.handler.respond(request);
  const bool sent = co_await send(std::move(response), head);
  on_client_gone({});
  request.body.reset();
  if (!sent || !head.keep_alive || server_.draining) co_return false;
  co_return co_await finish_request_body();
}

// Makes the connection ready for the next request, if what is left of this one is little.
io::Task<bool> H1Session::finish_request_body() {
  if (body_ended_ && !body_reading_) co_return true;
  // A handler still reads, or the client waits to be told to go on: only closing is unambiguous.
  if (body_reading_ || body_alive_ || body_error_ || expects_continue_) co_return false;
  if (framing_ == Framing::kLength && body_left_ > kDrainBytesMax) co_return false;
  const uint64_t end = body_bytes_ + kDrainBytesMax;
  while (!body_ended_) {
    if (!co_await read_body() || body_bytes_ > end) co_return false;
  }
  co_return true;
}

io::Task<bool> H1Session::send(Response response, const RequestHead& head) {
  arm(server_.limits.body_idle_timeout);
  // A body over the limit that the handler never saw as an error is still one to the client.
  const bool keep_alive = head.keep_alive && !server_.draining && !body_error_;
  H1Writer writer(head.method, head.version, keep_alive);
  out_.clear();
  const bool streamed = response.body && writer.sends_body(response.status);
  if (!streamed) {
    const auto size = response.body ? response.body->size() : std::optional<uint64_t>(0);
    writer.head(response, size, server_.date, out_);
    const bool written = co_await io::write_all(*stream_, out_);
    co_return written&& writer.keep_alive();
  }
  const bool sent = co_await send_streamed(writer, response);
  co_return sent&& writer.keep_alive();
}

io::Task<bool> H1Session::send_streamed(H1Writer& writer, Response& response) {
  Body& body = *response.body;
  BodyPart part;
  if (body.ready()) {
    auto first = co_await body.read();
    if (!first) co_return co_await send_error({502, "the response broke off"});
    part = std::move(*first);
  }
  const bool whole = part.end && !part.trailers;
  writer.head(response, whole ? std::optional<uint64_t>(part.data.size()) : body.size(),
              server_.date, out_);
  while (true) {
    if (!writer.body(part, out_)) {  // more or fewer bytes than content-length says
      stream_->close();
      co_return false;
    }
    std::array<iovec, 3> pieces = {iovec{out_.data(), out_.size()},
                                   iovec{part.data.data(), part.data.size()}, writer.after(part)};
    arm(server_.limits.body_idle_timeout);
    if (!co_await io::write_all(*stream_, pieces)) co_return false;
    if (part.end) co_return true;
    disarm();
    out_.clear();
    auto next = co_await body.read();
    if (!next) {  // never end cleanly what is not complete
      stream_->close();
      co_return false;
    }
    part = std::move(*next);
  }
}

// Answers what could not be read as a request, and closes.
io::Task<bool> H1Session::send_error(SyntaxError error) {
  Response response = text_response(
      error.status, std::string(reason_phrase(error.status)) + ": " + error.reason + "\n");
  H1Writer writer("GET", Version::kHttp11, false);
  out_.clear();
  const std::string text = (co_await response.body->read())->data;
  writer.head(response, text.size(), server_.date, out_);
  out_.append(text);
  arm(server_.limits.body_idle_timeout);
  co_await io::write_all(*stream_, out_);
  // Lets the client read the answer before the reset that unread bytes would cause.
  stream_->shutdown_write();
  for (int reads = 0; reads < 64; ++reads) {
    at_ = buffer_.size();
    if (!co_await fill()) break;
  }
  co_return false;
}

}  // namespace

io::Task<H1Outcome> serve_h1(ServerContext& server, std::unique_ptr<io::Stream> stream) {
  const auto session = std::make_shared<H1Session>(server, std::move(stream));
  co_return co_await session->run();
}

}  // namespace cusp::http
