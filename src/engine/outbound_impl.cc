#include "engine/outbound_impl.h"

#include "engine/body_pump.h"
#include "engine/ffi.h"
#include "io/event.h"

namespace cusp::engine {

namespace {

struct BodyFree {
  void operator()(cusp_body* body) const { cusp_body_free(body); }
};

// What a wake-up from any thread reaches; shared with the wake-ups that are under way.
struct Waker : std::enable_shared_from_this<Waker> {
  explicit Waker(io::Executor shard) : executor(shard), event(shard) {}
  io::Executor executor;
  io::Event event;
};

void wake(void* user) noexcept {
  auto waker = static_cast<Waker*>(user)->shared_from_this();
  io::Executor executor = waker->executor;
  io::asio::post(executor, [waker = std::move(waker)] { waker->event.notify(); });
}

// The engine's end of an exchange, with what its wake-ups reach: a guest may write to a body that
// nobody reads any more. Shared by the exchange and the request's body, which the HTTP client may
// keep a little longer.
struct Native {
  Native(io::Executor shard, cusp_outbound* handle)
      : outbound(handle), waker(std::make_shared<Waker>(shard)) {}
  ~Native() { cusp_outbound_free(outbound); }  // no wake-up begins after this
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  cusp_outbound* const outbound;
  const std::shared_ptr<Waker> waker;  // shared with wake-ups under way
};

// The body of a guest's request.
class RequestBody final : public http::Body {
 public:
  explicit RequestBody(std::shared_ptr<Native> native) : native_(std::move(native)) {}

  io::Task<Result<http::BodyPart>> read() override {
    while (true) {
      if (auto part = poll()) co_return std::move(*part);
      co_await native_->waker->event.wait();
    }
  }

  bool ready() override {
    if (!next_) next_ = poll();
    return next_.has_value();
  }

  // Whether the guest has ended it already and wrote nothing.
  bool known_empty() {
    if (!ready() || !*next_) return false;
    const http::BodyPart& part = **next_;
    return part.end && part.data.empty() && !part.trailers;
  }

 private:
  std::optional<Result<http::BodyPart>> poll() {
    if (next_) return std::exchange(next_, std::nullopt);
    cusp_chunk chunk;
    switch (cusp_outbound_poll_body(native_->outbound, wake, native_->waker.get(), &chunk)) {
      case CUSP_BODY_PENDING: return std::nullopt;
      case CUSP_BODY_CHUNK: return http::BodyPart{.data = std::string(from_ffi(chunk.data))};
      case CUSP_BODY_ERROR: return fail(ErrorCode::kUnavailable, "the guest broke its request off");
      case CUSP_BODY_END: break;
    }
    http::BodyPart part{.end = true};
    if (chunk.trailers_count > 0) part.trailers = from_ffi(chunk.trailers, chunk.trailers_count);
    return part;
  }

  std::shared_ptr<Native> native_;  // shared with the exchange
  std::optional<Result<http::BodyPart>> next_;
};

cusp_http_error to_ffi(http::ClientFailure failure) {
  using enum http::ClientFailure;
  switch (failure) {
    case kDnsError: return CUSP_HTTP_DNS_ERROR;
    case kDnsTimeout: return CUSP_HTTP_DNS_TIMEOUT;
    case kDestinationProhibited: return CUSP_HTTP_DESTINATION_PROHIBITED;
    case kConnectionRefused: return CUSP_HTTP_CONNECTION_REFUSED;
    case kConnectionTimeout: return CUSP_HTTP_CONNECTION_TIMEOUT;
    case kConnectionTerminated: return CUSP_HTTP_CONNECTION_TERMINATED;
    case kTlsCertificateError: return CUSP_HTTP_TLS_CERTIFICATE_ERROR;
    case kTlsProtocolError: return CUSP_HTTP_TLS_PROTOCOL_ERROR;
    case kReadTimeout: return CUSP_HTTP_READ_TIMEOUT;
    case kResponseIncomplete: return CUSP_HTTP_RESPONSE_INCOMPLETE;
    case kProtocolError: return CUSP_HTTP_PROTOCOL_ERROR;
    case kResponseTooLarge: return CUSP_HTTP_RESPONSE_TOO_LARGE;
    case kRequestInvalid: return CUSP_HTTP_REQUEST_INVALID;
    case kNone: break;
  }
  return CUSP_HTTP_INTERNAL;
}

class OutboundImpl final : public Outbound {
 public:
  OutboundImpl(io::Executor executor, cusp_outbound* native)
      : executor_(executor), native_(std::make_shared<Native>(executor, native)) {
    cusp_outbound_get(native, &request_);
  }

  http::Request take_request() override {
    const cusp_request& source = request_.request;
    http::Request request{.method = std::string(from_ffi(source.method)),
                          .scheme = std::string(from_ffi(source.scheme)),
                          .authority = std::string(from_ffi(source.authority)),
                          .target = std::string(from_ffi(source.target)),
                          .fields = from_ffi(source.fields, source.fields_count)};
    if (!source.has_body) return request;
    // Guests have a body for every request, and have mostly ended it by now. One that is empty is
    // not sent as such: a GET with "transfer-encoding" is refused by many servers.
    auto body = std::make_unique<RequestBody>(native_);
    if (!body->known_empty()) request.body = std::move(body);
    return request;
  }

  http::ClientOptions options() const override {
    http::ClientOptions options;
    const auto set = [](std::chrono::milliseconds& value, uint64_t milliseconds) {
      if (milliseconds == 0) return;
      value = std::min(value, std::chrono::milliseconds(milliseconds));
    };
    set(options.connect_timeout, request_.connect_timeout_ms);
    set(options.first_byte_timeout, request_.first_byte_timeout_ms);
    set(options.between_bytes_timeout, request_.between_bytes_timeout_ms);
    return options;
  }

  io::Task<void> respond(http::Response response) override {
    const auto fields = engine::to_ffi(response.fields);
    // The pump is what a call of outbound_body_wanted reaches: it exists before the guest can ask.
    auto pump = std::make_unique<std::optional<BodyPump>>();
    std::unique_ptr<cusp_body, BodyFree> body(cusp_outbound_respond(
        native_->outbound, response.status, fields.data(), fields.size(), pump.get()));
    if (body == nullptr) co_return;
    if (response.body == nullptr) {
      cusp_body_finish(body.get(), nullptr, 0);
      co_return;
    }
    pump->emplace(executor_, body.get(), std::move(response.body));
    co_await (*pump)->run();
    // Freed in this order: the body takes its callback down before the pump goes.
    body.reset();
  }

  void fail(http::ClientFailure failure, std::string_view message) override {
    cusp_outbound_fail(native_->outbound, to_ffi(failure), engine::to_ffi(message));
  }

 private:
  io::Executor executor_;
  std::shared_ptr<Native> native_;  // shared with the request's body
  cusp_outbound_request request_;
};

}  // namespace

std::unique_ptr<Outbound> make_outbound(io::Executor executor, cusp_outbound* native) {
  return std::make_unique<OutboundImpl>(executor, native);
}

void outbound_body_wanted(void* user) {
  auto& pump = *static_cast<std::optional<BodyPump>*>(user);
  if (pump) pump->ask();
}

}  // namespace cusp::engine
