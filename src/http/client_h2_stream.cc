#include "http/client_h2_stream.h"

#include <charconv>
#include <cstring>

#include "http/h2_fields.h"
#include "io/asio.h"

namespace cusp::http {

namespace {

constexpr auto kNever = io::Event::Clock::time_point::max();
// What RFC 9113 section 6.5.2 counts for each field beyond its text.
constexpr size_t kFieldOverheadBytes = 32;
// A response whose heads are this many times over the limit ends the connection.
constexpr size_t kBytesFactorMax = 4;

class H2ResponseBody final : public Body {
 public:
  explicit H2ResponseBody(std::shared_ptr<H2ClientStream> stream) : stream_(std::move(stream)) {}
  ~H2ResponseBody() override { stream_->abandon(); }

  io::Task<Result<BodyPart>> read() override { return stream_->read(); }
  bool ready() override { return stream_->ready(); }
  std::optional<uint64_t> size() const override { return stream_->size(); }

 private:
  const std::shared_ptr<H2ClientStream> stream_;  // shared: see H2ClientStream
};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return number;
}

// Whether a stream ends with this because the response broke the rules.
bool is_breach(uint32_t error_code) {
  switch (error_code) {
    case NGHTTP2_PROTOCOL_ERROR:
    case NGHTTP2_FLOW_CONTROL_ERROR:
    case NGHTTP2_STREAM_CLOSED:
    case NGHTTP2_FRAME_SIZE_ERROR:
    case NGHTTP2_COMPRESSION_ERROR: return true;
    default: return false;
  }
}

}  // namespace

H2ClientStream::H2ClientStream(io::Executor executor, std::shared_ptr<H2Client> connection,
                               const ClientCall& call)
    : executor_(executor),
      connection_(std::move(connection)),
      first_byte_timeout_(call.options.first_byte_timeout),
      between_bytes_timeout_(call.options.between_bytes_timeout),
      reading_(executor, [this] { time_out(); }),
      writing_(executor, [this] { time_out(); }),
      part_taken_(executor),
      interim_(executor, call),
      event_(executor) {}

// ---- the request

io::Task<ClientAnswer> H2ClientStream::run(ClientCall call) {
  if (!submit(call)) {
    if (connection_->breached()) co_return no_head(call.request);
    ClientError gone = client_error(ClientFailure::kConnectionTerminated, connection_->origin(),
                                    "the connection takes no more requests");
    co_return ClientAnswer{std::unexpected(std::move(gone)), Again::kYes};
  }
  while (!head_done_ && !closed_) {
    if (!co_await event_.wait_until(kNever)) break;  // cancelled
  }
  if (!head_done_) co_return no_head(call.request);
  co_return ClientAnswer{take_response()};
}

bool H2ClientStream::submit(const ClientCall& call) {
  const H2Fields fields(call.request, call.plan.length);
  nghttp2_data_provider provider = {};
  provider.source.ptr = this;
  provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* out, size_t room, uint32_t* flags,
                              nghttp2_data_source* source, void*) noexcept -> ssize_t {
    return static_cast<H2ClientStream*>(source->ptr)->fill(out, room, flags);
  };
  const bool has_body = call.request.body != nullptr;
  if (!connection_->open(shared_from_this(), fields.get(), has_body ? &provider : nullptr))
    return false;
  if (has_body) to_send_ = call.plan.length;
  has_body_ = has_body;
  unsent_ = std::move(call.request.body);
  reads_before_ = connection_->reads();
  // The time to answer counts from the end of the request; until its body is asked for, from here.
  reading_.arm(first_byte_timeout_);
  return true;
}

ssize_t H2ClientStream::fill(uint8_t* out, size_t room, uint32_t* flags) {
  // Nothing is read from a body before there is room for it, so that a request that the upstream
  // never opened is still whole.
  if (unsent_) {
    reading_.disarm();
    if (!sending_) spawn_sender();
    return NGHTTP2_ERR_DEFERRED;
  }
  const size_t size = std::min(room, part_.data.size() - part_at_);
  std::memcpy(out, part_.data.data() + part_at_, size);
  part_at_ += size;
  if (part_at_ < part_.data.size()) {
    writing_.arm(between_bytes_timeout_);
  } else if (part_.end) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (part_.trailers && !part_.trailers->empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const H2Fields trailers(*part_.trailers);
      nghttp2_submit_trailer(connection_->session(), id_, trailers.get().data(),
                             trailers.get().size());
    }
  } else {
    writing_.disarm();
    part_taken_.notify();
    if (size == 0) return NGHTTP2_ERR_DEFERRED;
  }
  return static_cast<ssize_t>(size);
}

void H2ClientStream::spawn_sender() {
  sending_ = true;
  io::asio::co_spawn(
      executor_,
      [](std::shared_ptr<H2ClientStream> self) -> io::Task<void> {
        co_await self->send();
        self->sending_ = false;
      }(shared_from_this()),
      // Keeps the signal alive for as long as the coroutine listens to it.
      io::asio::bind_cancellation_slot(cancel_sending_.slot(),
                                       [self = shared_from_this()](std::exception_ptr) {}));
}

io::Task<void> H2ClientStream::send() {
  // nghttp2 is asking right now and is to be told "later" first.
  co_await io::asio::post(executor_, io::use_task);
  if (closed_) co_return;
  std::unique_ptr<Body> body = std::move(unsent_);
  if (interim_.body_waits()) body = co_await interim_.when_wanted(std::move(body));
  if (!body) co_return;
  for (bool first = true; !closed_ && !part_.end; first = false) {
    auto next = co_await body->read();
    if (closed_) co_return;
    if (!next || (next->trailers && !valid_fields(*next->trailers))) {
      co_return fail_with(
          ClientFailure::kRequestInvalid,
          "the request's body broke off: " + (next ? "bad trailers" : next.error().message),
          NGHTTP2_CANCEL);
    }
    const uint64_t size = next->data.size();
    if (to_send_ && (size > *to_send_ || (next->end && size < *to_send_))) {
      co_return fail_with(ClientFailure::kRequestInvalid,
                          "the request's body is not as long as content-length says",
                          NGHTTP2_CANCEL);
    }
    if (to_send_) *to_send_ -= size;
    body_whole_ = first && next->end && !next->trailers;
    take_part(std::move(*next));
    while (!closed_ && part_at_ < part_.data.size()) {
      if (!co_await part_taken_.wait_until(kNever)) co_return;  // cancelled
    }
  }
}

// Makes `part` the next to be sent.
void H2ClientStream::take_part(BodyPart part) {
  part_ = std::move(part);
  part_at_ = 0;
  if (part_.data.empty() && !part_.end) return;
  writing_.arm(between_bytes_timeout_);
  nghttp2_session_resume_data(connection_->session(), id_);
  connection_->flush_soon();
}

void H2ClientStream::on_request_sent() {
  request_sent_ = true;
  writing_.disarm();
  part_taken_.notify();
  if (head_done_ || closed_) return;
  reads_before_ = connection_->reads();
  reading_.arm(first_byte_timeout_);
}

// The body of a request that the upstream has not begun with.
std::unique_ptr<Body> H2ClientStream::take_back() {
  if (unsent_ || !body_whole_) return std::move(unsent_);  // null when there was none
  return make_body(std::move(part_.data));
}

// ---- the response

bool H2ClientStream::on_field(std::string_view name, std::string_view value) {
  head_bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  if (closed_) return head_bytes_ <= limits::kHeadBytesMax * kBytesFactorMax;
  Fields& fields = head_done_ ? trailers_ : fields_;
  if (head_bytes_ > limits::kHeadBytesMax || fields.size() == limits::kFieldsMax) {
    fail_with(ClientFailure::kResponseTooLarge, "the response has a head over the limit",
              NGHTTP2_CANCEL);
  } else if (name == ":status") {
    status_ = parse_number<uint16_t>(value).value_or(0);
  } else {
    fields.add(name, value);
  }
  return true;
}

H2ClientStream::Head H2ClientStream::on_head_end() {
  if (head_done_ || closed_) return Head::kFinal;
  if (status_ < 200) {
    const bool taken = interim_.take(status_, fields_);
    fields_.clear();
    return taken ? Head::kInterim : Head::kTooMany;
  }
  head_done_ = true;
  interim_.answered();
  reading_.disarm();
  if (const auto length = fields_.get("content-length")) left_ = parse_number<uint64_t>(*length);
  event_.notify();
  return Head::kFinal;
}

void H2ClientStream::on_data(std::string_view data) {
  if (closed_) {
    // Nobody will read it. The others get their share of the connection's window back.
    nghttp2_session_consume_connection(connection_->session(), data.size());
    return;
  }
  inbox_.add(data);
  event_.notify();
}

void H2ClientStream::on_response_end() {
  if (closed_) return;
  answered_ = true;
  event_.notify();
}

Response H2ClientStream::take_response() {
  Response response{.status = status_, .fields = std::move(fields_)};
  // Where the request is still being sent, dropping a body is how the caller ends it.
  if (!answered_ || !inbox_.empty() || !trailers_.empty() || !request_sent_)
    response.body = std::make_unique<H2ResponseBody>(shared_from_this());
  return response;
}

ClientAnswer H2ClientStream::no_head(Request& request) {
  const Origin& origin = connection_->origin();
  if (failure_) return {std::unexpected(*failure_)};
  const auto terminated = [&](std::string_view why, Again again) {
    return ClientAnswer{
        std::unexpected(client_error(ClientFailure::kConnectionTerminated, origin, why)), again};
  };
  if (!close_code_) {
    if (connection_->breached()) {
      return {std::unexpected(client_error(ClientFailure::kProtocolError, origin,
                                           "the upstream does not keep to HTTP/2"))};
    }
    return terminated("the connection was closed without a response",
                      head_bytes_ == 0 ? Again::kIfIdempotent : Again::kNever);
  }
  const uint32_t code = *close_code_;
  const bool refused = code == NGHTTP2_REFUSED_STREAM || code == NGHTTP2_HTTP_1_1_REQUIRED;
  if (refused && whole()) {
    request.body = take_back();
    return terminated("the upstream refused the request",
                      code == NGHTTP2_REFUSED_STREAM ? Again::kYes : Again::kOverHttp1);
  }
  if (is_breach(code)) {
    return {std::unexpected(client_error(ClientFailure::kProtocolError, origin,
                                         "the response is malformed, or the request was to it"))};
  }
  return terminated(std::string("the upstream reset the stream: ") + nghttp2_http2_strerror(code),
                    Again::kNever);
}

std::unexpected<Error> H2ClientStream::no_part() const {
  if (failure_) return std::unexpected(failure_->error);
  const std::string origin = connection_->origin().to_string();
  const bool breach = close_code_ ? is_breach(*close_code_) : connection_->breached();
  if (breach) return fail(ErrorCode::kInvalidArgument, origin + ": the response is malformed");
  return fail(ErrorCode::kCancelled, origin + ": the response's body was cut short");
}

io::Task<Result<BodyPart>> H2ClientStream::read() {
  const auto keep = shared_from_this();
  if (!ready()) reading_.arm(between_bytes_timeout_);
  while (!ready()) {
    if (!co_await event_.wait_until(kNever)) break;  // cancelled
  }
  reading_.disarm();
  if (inbox_.empty() && !answered_) co_return no_part();
  BodyPart part{.data = inbox_.take()};
  if (!part.data.empty() && connection_->session() != nullptr) {
    nghttp2_session_consume(connection_->session(), id_, part.data.size());
    connection_->flush_soon();
  }
  if (left_) *left_ -= part.data.size();
  part.end = answered_ && inbox_.empty();
  if (part.end && !trailers_.empty()) part.trailers = std::move(trailers_);
  co_return part;
}

// ---- the end

void H2ClientStream::time_out() {
  // A connection on which nothing came meanwhile may be dead.
  if (!head_done_ && connection_->reads() == reads_before_) connection_->retire();
  const char* what = head_done_      ? "the response's body came too slowly"
                     : request_sent_ ? "no response in time"
                                     : "the request was not taken in time";
  fail_with(ClientFailure::kReadTimeout, what, NGHTTP2_CANCEL);
}

void H2ClientStream::fail_with(ClientFailure failure, std::string_view message,
                               uint32_t error_code) {
  if (!closed_) failure_ = client_error(failure, connection_->origin(), message);
  reset(error_code);
}

// For whoever waits the stream is closed from here on, even while the socket is full.
void H2ClientStream::reset(uint32_t error_code) {
  if (closed_) return;
  if (nghttp2_session* session = connection_->session()) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id_, error_code);
    connection_->flush_soon();
  }
  close();
}

void H2ClientStream::abandon() {
  const size_t unread = inbox_.discard();
  if (unread > 0 && connection_->session() != nullptr) {
    nghttp2_session_consume_connection(connection_->session(), unread);
    connection_->flush_soon();
  }
  reset(NGHTTP2_CANCEL);
}

void H2ClientStream::on_close(uint32_t error_code) {
  if (!closed_) close_code_ = error_code;
  close();
}

void H2ClientStream::on_connection_end() { close(); }

void H2ClientStream::close() {
  if (std::exchange(closed_, true)) return;
  interim_.over();
  reading_.disarm();
  writing_.disarm();
  event_.notify();
  part_taken_.notify();
  // Not from here: the producer of the request's body may be who dropped the response.
  if (!sending_) return;
  io::asio::post(executor_, [self = shared_from_this()] {
    self->cancel_sending_.emit(io::asio::cancellation_type::terminal);
  });
}

io::Task<ClientAnswer> exchange_h2(io::Executor executor, std::shared_ptr<H2Client> connection,
                                   ClientCall call) {
  // Until the response is there, the end of this coroutine is the end of the exchange.
  struct Guard {
    ~Guard() {
      if (stream) stream->abandon();
    }
    std::shared_ptr<H2ClientStream> stream;
  };
  Guard guard{std::make_shared<H2ClientStream>(executor, std::move(connection), call)};
  const auto stream = guard.stream;
  ClientAnswer answer = co_await stream->run(call);
  if (answer.response) guard.stream.reset();
  co_return answer;
}

}  // namespace cusp::http
