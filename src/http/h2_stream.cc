#include "http/h2_stream.h"

#include "http/h2_connection.h"
#include "http/h2_fields.h"
#include "io/asio.h"

namespace cusp::http {

namespace {

constexpr auto kNever = io::Event::Clock::time_point::max();

constexpr std::chrono::milliseconds kEarlyAnswerGrace{200};

class H2Body final : public Body {
 public:
  H2Body(std::shared_ptr<H2Stream> stream, std::optional<uint64_t> size)
      : stream_(std::move(stream)), size_(size) {}
  ~H2Body() override { stream_->body_dropped(); }

  io::Task<Result<BodyPart>> read() override { return stream_->read_body(); }
  bool ready() override { return stream_->body_ready(); }
  std::optional<uint64_t> size() const override { return size_; }

 private:
  const std::shared_ptr<H2Stream> stream_;  // shared: the connection may forget the stream first
  const std::optional<uint64_t> size_;
};

}  // namespace

H2Stream::H2Stream(std::shared_ptr<H2Connection> connection, int32_t id)
    : connection_(std::move(connection)),
      id_(id),
      head_(std::in_place, connection_->server().limits.head_bytes_max,
            connection_->server().limits.fields_max),
      body_event_(connection_->server().executor),
      read_pace_(connection_->server().pace()),
      part_taken_(connection_->server().executor),
      send_pace_(connection_->server().pace()) {}

std::string_view H2Stream::remote_address() const { return connection_->remote_address(); }
uint16_t H2Stream::remote_port() const { return connection_->remote_port(); }
bool H2Stream::tls() const { return connection_->tls(); }

const io::PeerCertificate* H2Stream::client_certificate() const {
  return connection_->client_certificate();
}

InterimSender H2Stream::interim_sender() {
  return [weak = weak_from_this()](uint16_t status, const Fields& fields) {
    if (const auto stream = weak.lock()) stream->send_interim(status, fields);
  };
}

void H2Stream::on_client_gone(std::function<void()> callback) {
  if (closed_ && !sent_ && callback) {
    io::asio::post(connection_->server().executor, std::move(callback));
  } else {
    gone_callback_ = std::move(callback);
  }
}

// ---- the request

bool H2Stream::on_field(std::string_view name, std::string_view value) {
  if (!in_trailers_) return head_->add(name, value);
  const auto& limits = connection_->server().limits;
  if (trailers_.size() == limits.fields_max ||
      trailers_.byte_size() + name.size() + value.size() > limits.head_bytes_max) {
    return false;
  }
  trailers_.add(name, value);
  return true;
}

void H2Stream::on_head_end(bool request_ends) {
  in_trailers_ = true;
  request_ended_ = request_ends;
  auto request = head_->finish(connection_->tls());
  const auto size = head_->content_length();
  expects_continue_ = head_->expects_continue() && !request_ends;
  head_.reset();
  if (!request) {
    refused_ = request.error();
    return;
  }
  if (size.value_or(0) > connection_->server().limits.body_bytes_max) {
    refused_ = {413, "the body is larger than the limit"};
    return;
  }
  request_ = std::move(*request);
  request_.connection = this;
  request_.expects_continue = expects_continue_;
  head_request_ = request_.method == "HEAD";
  if (!request_ends) {
    body_held_ = true;
    request_.body = std::make_unique<H2Body>(shared_from_this(), size);
  }
}

void H2Stream::on_data(std::string_view data) {
  body_bytes_ += data.size();
  if (!body_error_ && body_bytes_ > connection_->server().limits.body_bytes_max) {
    body_error_ = ErrorCode::kResourceExhausted;
    discard_body();
    body_event_.notify();
  }
  if (!body_held_ || body_error_) {
    // Nobody will read it. The other streams get their share of the connection's window back, this
    // one gets no more.
    nghttp2_session_consume_connection(connection_->session(), data.size());
    return;
  }
  read_pace_.moved(data.size(), connection_->server().now);
  body_.add(data);
  body_event_.notify();
}

void H2Stream::on_request_end() {
  request_ended_ = true;
  body_event_.notify();
}

bool H2Stream::body_ready() const { return body_error_ || request_ended_ || !body_.empty(); }

BodyPart H2Stream::next_part() {
  BodyPart part{.data = body_.take()};
  if (nghttp2_session* session = connection_->session(); session && !part.data.empty()) {
    nghttp2_session_consume(session, id_, part.data.size());
    connection_->flush_soon();
  }
  part.end = request_ended_ && body_.empty();
  if (part.end && !trailers_.empty()) part.trailers = std::move(trailers_);
  return part;
}

io::Task<Result<BodyPart>> H2Stream::read_body() {
  const auto keep = shared_from_this();
  if (!body_ready() && std::exchange(expects_continue_, false)) send_interim(100, {});
  while (!body_ready()) {
    const auto patience = read_pace_.wait(connection_->server().now);
    if (!co_await body_event_.wait_until(io::Event::Clock::now() + patience)) {
      body_error_ = ErrorCode::kDeadlineExceeded;
      discard_body();
    }
  }
  if (!body_error_) co_return next_part();
  switch (*body_error_) {
    case ErrorCode::kResourceExhausted:
      co_return fail(*body_error_, "the body is larger than the limit");
    case ErrorCode::kDeadlineExceeded: co_return fail(*body_error_, "the client was too slow");
    default: co_return fail(*body_error_, "the client went away");
  }
}

void H2Stream::send_interim(uint16_t status, const Fields& fields) {
  nghttp2_session* session = connection_->session();
  if (!session || closed_ || answered_) return;
  const H2Fields head(status, fields);
  nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id_, nullptr, head.get().data(),
                         head.get().size(), nullptr);
  connection_->flush_soon();
}

void H2Stream::discard_body() {
  const size_t unread = body_.discard();
  if (unread > 0 && connection_->session()) {
    nghttp2_session_consume_connection(connection_->session(), unread);
    connection_->flush_soon();
  }
}

void H2Stream::body_dropped() {
  body_held_ = false;
  discard_body();
  if (sent_) stop_upload();
}

// ---- the response

io::Task<void> H2Stream::serve() {
  if (refused_) {
    std::string text(reason_phrase(refused_->status));
    text.append(": ").append(refused_->reason).append("\n");
    Response response = text_response(refused_->status, std::move(text));
    co_await send(std::move(response));
  } else if (!closed_) {  // taken back before it began
    Response response = co_await connection_->server().handler.respond(request_);
    co_await send(std::move(response));
  }
  handled_ = true;
  if (sent_ || closed_) request_.body.reset();
}

io::Task<void> H2Stream::send(Response response) {
  if (closed_) co_return;
  // An interim status is not an answer, and nghttp2 would wait for the real one for ever.
  if (response.status < 200 || response.status > 999)
    response = text_response(502, "Bad Gateway: a status that no answer has\n");
  const bool bodyless = head_request_ || response.status == 204 || response.status == 304;
  if (!response.body || bodyless) {
    const bool counts = response.body && response.status != 204 && response.status != 304;
    submit(response, counts ? response.body->size() : std::nullopt, false);
    co_return;
  }
  Body& body = *response.body;
  std::optional<uint64_t> size = body.size();
  std::optional<Result<BodyPart>> ready = body.try_read();
  if (!ready && body.ready()) ready = co_await body.read();
  if (closed_) co_return;
  if (ready) {
    if (!*ready) {
      Response broken = text_response(502, "Bad Gateway: the response broke off\n");
      co_await send(std::move(broken));
      co_return;
    }
    part_ = std::move(**ready);
    if (part_.end) size = part_.bytes().size();
  }
  submit(response, size, true);
  BodyPart first = std::move(part_);
  bool good = take_part(std::move(first));
  while (good && !part_.end) {
    if (!co_await taken()) co_return;
    std::optional<Result<BodyPart>> next = body.try_read();
    if (!next) next = co_await body.read();
    if (closed_) co_return;
    good = *next && take_part(std::move(**next));
  }
  // Never end cleanly what is not complete.
  if (!good) reset(NGHTTP2_INTERNAL_ERROR);
}

// Makes `part` the next to be sent; false when it does not keep to the announced length.
bool H2Stream::take_part(BodyPart part) {
  part_ = std::move(part);
  part_at_ = 0;
  if (left_) {
    if (part_.bytes().size() > *left_) return false;
    *left_ -= part_.bytes().size();
    if (part_.end && *left_ > 0) return false;
  }
  if (part_.bytes().empty() && !part_.end) {
    part_taken_.notify();
    return true;
  }
  arm_send();
  nghttp2_session_resume_data(connection_->session(), id_);
  connection_->flush_soon();
  return true;
}

// Waits until the part has gone out; false when the stream has ended.
io::Task<bool> H2Stream::taken() {
  while (!closed_ && part_at_ < part_.bytes().size()) co_await part_taken_.wait_until(kNever);
  co_return !closed_;
}

void H2Stream::submit(const Response& response, std::optional<uint64_t> size, bool with_body) {
  answered_ = true;
  const H2Fields fields(response, size, connection_->server().date);
  if (with_body) left_ = fields.content_length();
  nghttp2_data_provider provider = {};
  provider.source.ptr = this;
  provider.read_callback = [](nghttp2_session*, int32_t, uint8_t*, size_t room, uint32_t* flags,
                              nghttp2_data_source* source, void*) noexcept -> ssize_t {
    return static_cast<H2Stream*>(source->ptr)->offer_data(room, flags);
  };
  const int error = nghttp2_submit_response(connection_->session(), id_, fields.get().data(),
                                            fields.get().size(), with_body ? &provider : nullptr);
  if (error != 0) return reset(NGHTTP2_INTERNAL_ERROR);
  arm_send();
  connection_->flush_soon();
}

ssize_t H2Stream::offer_data(size_t room, uint32_t* flags) {
  const size_t left = part_.bytes().size() - part_at_;
  if (left == 0 && !part_.end) {
    deadline_ = kNever;
    part_taken_.notify();
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left > room || !part_.end) return static_cast<ssize_t>(std::min(room, left));
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (part_.trailers && !part_.trailers->empty()) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const H2Fields trailers(*part_.trailers);
    nghttp2_submit_trailer(connection_->session(), id_, trailers.get().data(),
                           trailers.get().size());
  }
  return static_cast<ssize_t>(left);
}

std::string_view H2Stream::take_data(size_t size) {
  const std::string_view data = part_.bytes().substr(part_at_, size);
  part_at_ += size;
  send_pace_.moved(size, connection_->server().now);
  if (part_at_ < part_.bytes().size()) {
    arm_send();
  } else if (!part_.end) {
    deadline_ = kNever;
    part_taken_.notify();
  }
  return data;
}

void H2Stream::arm_send() { arm(send_pace_.wait(connection_->server().now)); }

void H2Stream::arm(std::chrono::milliseconds timeout) {
  deadline_ = connection_->after(timeout);
  connection_->wake_by(deadline_);
}

// ---- the end

void H2Stream::on_response_sent() {
  sent_ = true;
  deadline_ = kNever;
  gone_callback_ = nullptr;
  if (handled_) request_.body.reset();
  stop_upload();
}

// The answer is complete and the rest of the request is not wanted (RFC 9113 section 8.1). The
// reset comes a little later than the answer: clients that read both at once forget the answer.
void H2Stream::stop_upload() {
  if (!request_ended_ && !body_held_ && !closed_) arm(kEarlyAnswerGrace);
}

void H2Stream::on_close(uint32_t error_code) {
  closed_ = true;
  deadline_ = kNever;
  if (!request_ended_ || error_code != NGHTTP2_NO_ERROR) {
    if (!body_error_) body_error_ = ErrorCode::kCancelled;
    discard_body();
  }
  body_event_.notify();
  part_taken_.notify();
  if (handled_) request_.body.reset();
  if (auto callback = std::exchange(gone_callback_, nullptr); callback && !sent_) callback();
}

void H2Stream::reset(uint32_t error_code) {
  if (closed_ || std::exchange(reset_, true) || !connection_->session()) return;
  nghttp2_submit_rst_stream(connection_->session(), NGHTTP2_FLAG_NONE, id_, error_code);
  connection_->flush_soon();
}

}  // namespace cusp::http
