#include "http/client_h1.h"

#include <array>

#include "http/client_interim.h"
#include "http/client_tunnel.h"
#include "http/client_watchdog.h"
#include "http/h1_input.h"
#include "http/h1_writer.h"

namespace cusp::http {

namespace {

using io::Stream;
using std::string_view;

// Shared by the coroutine that awaits the head, the one that sends the request's body and the
// response's body: each may be the last one.
class Exchange final : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(io::Executor executor, Upstream upstream, const ClientCall& call,
           std::function<void(Upstream)> reuse)
      : executor_(executor),
        upstream_(std::move(upstream)),
        origin_(call.plan.origin),
        first_byte_timeout_(call.options.first_byte_timeout),
        between_bytes_timeout_(call.options.between_bytes_timeout),
        tunnel_idle_timeout_(call.options.tunnel_idle_timeout),
        upgrade_(call.request.upgrade),
        reuse_(std::move(reuse)),
        input_(HeadLimits{}),
        interim_(executor, call),
        reading_(executor, [this] { close(); }),
        writing_(executor, [this] { close(); }) {}

  io::Task<ClientAnswer> run(Request& request, const RequestPlan& plan);

  // For the response's body.
  io::Task<Result<BodyPart>> read();
  bool ready();
  std::optional<uint64_t> size() const;

  // The rest is not wanted.
  void abandon();

 private:
  enum class Fill : uint8_t { kMore, kClosed, kBroken };

  io::Task<bool> write(std::span<iovec> pieces);
  void spawn_sender(std::string head, std::unique_ptr<Body> body, std::optional<uint64_t> length);
  io::Task<void> send(std::string head, std::unique_ptr<Body> body, std::optional<uint64_t> length);
  void sent();
  ssize_t receive();
  io::Task<Fill> fill();
  io::Task<std::expected<ResponseHead, ClientError>> read_head(string_view method);
  Response take_response(ResponseHead head);
  Response take_tunnel(ResponseHead head);
  ClientError no_head() const;
  Error no_part(Fill filled) const;
  ClientError refuse(const SyntaxError& error) const;
  Result<std::optional<BodyPart>> next_part();
  void settle();
  void close();

  const io::Executor executor_;
  Upstream upstream_;  // without a stream when that is the pool's or a tunnel's
  const Origin origin_;
  const std::chrono::milliseconds first_byte_timeout_;
  const std::chrono::milliseconds between_bytes_timeout_;
  const std::chrono::milliseconds tunnel_idle_timeout_;
  const std::string upgrade_;  // that the request asks for
  std::function<void(Upstream)> reuse_;
  H1Input input_;
  ClientInterim interim_;
  Watchdog reading_;
  Watchdog writing_;
  io::asio::cancellation_signal cancel_sending_;

  bool closed_ = false;  // the stream's descriptor may be another's now: not to be touched
  bool keep_alive_ = true;
  bool sending_ = false;
  bool answering_ = false;  // the head of the response has come
  bool answered_ = false;   // all of it has
  bool heard_ = false;      // any byte of it has
  std::optional<ClientError> send_failure_;
  std::optional<Result<BodyPart>> next_;  // decoded, for the next read()
};

class ResponseBody final : public Body {
 public:
  explicit ResponseBody(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ResponseBody() override { exchange_->abandon(); }

  io::Task<Result<BodyPart>> read() override { return exchange_->read(); }
  bool ready() override { return exchange_->ready(); }
  std::optional<uint64_t> size() const override { return exchange_->size(); }

 private:
  std::shared_ptr<Exchange> exchange_;  // shared: see Exchange
};

// ---- the request ----

io::Task<ClientAnswer> Exchange::run(Request& request, const RequestPlan& plan) {
  const std::string method = request.method;
  std::string head;
  write_request_head(request, plan.length, plan.chunked, head);
  reading_.arm(first_byte_timeout_);
  if (request.body) {
    spawn_sender(std::move(head), std::move(request.body), plan.length);
  } else {
    iovec piece = {head.data(), head.size()};
    if (!co_await write(std::span(&piece, 1))) keep_alive_ = false;
  }
  auto answer = co_await read_head(method);
  if (!answer) {
    const bool unanswered =
        !heard_ && answer.error().failure == ClientFailure::kConnectionTerminated;
    co_return ClientAnswer{std::unexpected(std::move(answer.error())),
                           unanswered ? Again::kIfIdempotent : Again::kNever};
  }
  if (answer->status == 101) co_return ClientAnswer{take_tunnel(std::move(*answer))};
  co_return ClientAnswer{take_response(std::move(*answer))};
}

// False when the peer takes no more; it may still have answered.
io::Task<bool> Exchange::write(std::span<iovec> pieces) {
  if (closed_) co_return false;
  writing_.arm(between_bytes_timeout_);
  const bool written = co_await io::write_all(*upstream_.stream, pieces);
  writing_.disarm();
  co_return written;
}

void Exchange::spawn_sender(std::string head, std::unique_ptr<Body> body,
                            std::optional<uint64_t> length) {
  sending_ = true;
  reading_.disarm();  // the time to answer counts from the end of the request
  io::asio::co_spawn(
      executor_,
      [](std::shared_ptr<Exchange> exchange, std::string text, std::unique_ptr<Body> data,
         std::optional<uint64_t> bytes) -> io::Task<void> {
        co_await exchange->send(std::move(text), std::move(data), bytes);
      }(shared_from_this(), std::move(head), std::move(body), length),
      // Keeps the signal alive for as long as the coroutine listens to it.
      io::asio::bind_cancellation_slot(cancel_sending_.slot(),
                                       [exchange = shared_from_this()](std::exception_ptr) {}));
}

io::Task<void> Exchange::send(std::string head, std::unique_ptr<Body> body,
                              std::optional<uint64_t> length) {
  H1Writer writer(length);
  std::string before = std::move(head);
  BodyPart part;
  // A body that is still to come does not hold the head up.
  bool head_sent = false;
  while (true) {
    if (head_sent && interim_.body_waits()) body = co_await interim_.when_wanted(std::move(body));
    if (!body) {
      keep_alive_ = false;  // the upstream cannot tell whether it will come
      break;
    }
    if (head_sent || body->ready()) {
      auto next = co_await body->read();
      if (!next || (next->trailers && !valid_fields(*next->trailers))) {
        send_failure_ = client_error(
            ClientFailure::kRequestInvalid, origin_,
            "the request's body broke off: " + (next ? "bad trailers" : next.error().message));
        co_return close();
      }
      part = std::move(*next);
    }
    if (!writer.body(part, before)) {
      send_failure_ = client_error(ClientFailure::kRequestInvalid, origin_,
                                   "the request's body is not as long as content-length says");
      co_return close();
    }
    std::array<iovec, 3> pieces = {iovec{before.data(), before.size()},
                                   iovec{part.data.data(), part.data.size()}, writer.after(part)};
    if (!co_await write(pieces)) {
      keep_alive_ = false;
      break;
    }
    if (part.end) break;
    head_sent = true;
    before.clear();
  }
  sent();
}

void Exchange::sent() {
  sending_ = false;
  if (!answering_) reading_.arm(first_byte_timeout_);
  settle();
}

// ---- the response ----

ssize_t Exchange::receive() {
  std::array<char, limits::kBodyChunkBytes> scratch;
  return input_.fill(*upstream_.stream, scratch);
}

io::Task<Exchange::Fill> Exchange::fill() {
  while (!closed_) {
    const ssize_t size = receive();
    if (size > 0) {
      heard_ = true;
      co_return Fill::kMore;
    }
    if (size == Stream::kClosed) co_return Fill::kClosed;
    if (size == Stream::kBroken || !co_await upstream_.stream->wait_read()) co_return Fill::kBroken;
  }
  co_return Fill::kBroken;
}

io::Task<std::expected<ResponseHead, ClientError>> Exchange::read_head(string_view method) {
  size_t seen = 0;
  size_t bytes = 0;  // of interim responses
  while (true) {
    const auto end = find_head_end(input_.unread(), seen, HeadLimits{});
    if (!end) co_return std::unexpected(refuse(end.error()));
    if (!*end) {
      seen = input_.unread().size();
      if (co_await fill() != Fill::kMore) co_return std::unexpected(no_head());
      continue;
    }
    auto head = parse_response_head(input_.unread().substr(0, **end), method, HeadLimits{});
    if (!head) co_return std::unexpected(refuse(head.error()));
    input_.consume(**end);
    if (head->status >= 200) co_return std::move(*head);
    if (head->status == 101) {
      if (!upgrade_.empty() && head->upgrade == upgrade_) co_return std::move(*head);
      co_return std::unexpected(refuse({502, "a switch of protocols that nobody asked for"}));
    }
    seen = 0;
    bytes += **end;
    if (bytes > limits::kHeadBytesMax || !interim_.take(head->status, head->fields))
      co_return std::unexpected(refuse({502, "too many interim responses"}));
  }
}

Response Exchange::take_response(ResponseHead head) {
  answering_ = true;
  interim_.answered();
  reading_.disarm();
  keep_alive_ &= head.keep_alive;
  input_.begin_body(head.framing, head.content_length);
  Response response{.status = head.status, .fields = std::move(head.fields)};
  answered_ = input_.body_ended();
  settle();
  // Where the request is still being sent, dropping a body is how the caller ends it.
  if (!answered_ || sending_) response.body = std::make_unique<ResponseBody>(shared_from_this());
  return response;
}

Response Exchange::take_tunnel(ResponseHead head) {
  reading_.disarm();
  Response response{.status = head.status, .fields = std::move(head.fields)};
  response.tunnel = make_client_tunnel(executor_, std::move(upstream_),
                                       std::string(input_.unread()), tunnel_idle_timeout_);
  return response;
}

ClientError Exchange::no_head() const {
  if (send_failure_) return *send_failure_;
  if (writing_.expired()) {
    return client_error(ClientFailure::kReadTimeout, origin_, "the request was not taken in time");
  }
  if (reading_.expired()) {
    return client_error(ClientFailure::kReadTimeout, origin_, "no response in time");
  }
  if (heard_) {
    return client_error(ClientFailure::kResponseIncomplete, origin_,
                        "the connection was closed within the response's head");
  }
  return client_error(ClientFailure::kConnectionTerminated, origin_,
                      "the connection was closed without a response");
}

ClientError Exchange::refuse(const SyntaxError& error) const {
  const bool large = error.status == 431 || error.status == 414;
  return client_error(large ? ClientFailure::kResponseTooLarge : ClientFailure::kProtocolError,
                      origin_, std::string("the response has ") + error.reason);
}

Error Exchange::no_part(Fill filled) const {
  if (send_failure_) return send_failure_->error;
  if (reading_.expired() || writing_.expired()) {
    return client_error(ClientFailure::kReadTimeout, origin_, "the response's body came too slowly")
        .error;
  }
  const string_view what = filled == Fill::kClosed ? "the response's body was cut short"
                                                   : "the connection broke within the response";
  return {ErrorCode::kCancelled, origin_.to_string() + ": " + std::string(what), {}};
}

// From the bytes that are there.
Result<std::optional<BodyPart>> Exchange::next_part() {
  if (answered_) return BodyPart{.end = true};
  auto part = input_.next_part();
  if (!part) {
    close();
    return fail(part.error().code,
                origin_.to_string() + ": the response has " + part.error().message);
  }
  if (input_.body_ended()) {
    answered_ = true;
    settle();
  }
  return part;
}

bool Exchange::ready() {
  if (next_) return true;
  auto part = next_part();
  if (!part) {
    next_ = std::unexpected(std::move(part.error()));
  } else if (*part) {
    next_ = std::move(**part);
  }
  return next_.has_value();
}

std::optional<uint64_t> Exchange::size() const {
  if (!next_) return input_.body_left();
  if (!*next_) return std::nullopt;
  const auto left = input_.body_left();
  return left ? std::optional(*left + (*next_)->data.size()) : std::nullopt;
}

io::Task<Result<BodyPart>> Exchange::read() {
  const auto keep = shared_from_this();
  if (!ready()) reading_.arm(between_bytes_timeout_);
  while (!ready()) {
    const Fill filled = co_await fill();
    if (filled == Fill::kMore) continue;
    if (filled == Fill::kClosed && input_.end_at_close()) {
      answered_ = true;
      close();
      co_return BodyPart{.end = true};
    }
    Error error = no_part(filled);
    close();
    co_return std::unexpected(std::move(error));
  }
  reading_.disarm();
  auto part = std::move(*next_);
  next_.reset();
  co_return part;
}

// ---- the end ----

// Gives the connection back when there is nothing more to come either way.
void Exchange::settle() {
  if (!answered_ || sending_ || closed_ || !upstream_.stream) return;
  reading_.disarm();
  if (!keep_alive_ || !input_.unread().empty()) return close();
  reuse_(std::move(upstream_));
}

void Exchange::close() {
  if (closed_ || !upstream_.stream) return;
  closed_ = true;
  interim_.over();
  reading_.disarm();
  writing_.disarm();
  upstream_.stream->close();
  upstream_.place.reset();
}

void Exchange::abandon() {
  if (!upstream_.stream) return;
  close();
  // Not from here: the producer of the request's body may be who dropped the response.
  if (sending_) {
    io::asio::post(executor_, [exchange = shared_from_this()] {
      exchange->cancel_sending_.emit(io::asio::cancellation_type::terminal);
    });
  }
}

}  // namespace

io::Task<ClientAnswer> exchange_h1(io::Executor executor, Upstream upstream, ClientCall call,
                                   std::function<void(Upstream)> reuse) {
  // Until the response is there, the end of this coroutine is the end of the exchange.
  struct Guard {
    ~Guard() {
      if (exchange) exchange->abandon();
    }
    std::shared_ptr<Exchange> exchange;
  };
  Guard guard{std::make_shared<Exchange>(executor, std::move(upstream), call, std::move(reuse))};
  const auto exchange = guard.exchange;
  ClientAnswer answer = co_await exchange->run(call.request, call.plan);
  if (answer.response) guard.exchange.reset();
  co_return answer;
}

}  // namespace cusp::http
