#include "engine/body_pump.h"

#include "engine/ffi.h"

namespace cusp::engine {

namespace {

cusp_http_error to_http_error(ErrorCode code) {
  switch (code) {
    case ErrorCode::kResourceExhausted: return CUSP_HTTP_REQUEST_TOO_LARGE;
    case ErrorCode::kDeadlineExceeded: return CUSP_HTTP_READ_TIMEOUT;
    case ErrorCode::kInvalidArgument: return CUSP_HTTP_PROTOCOL_ERROR;
    case ErrorCode::kUnavailable: return CUSP_HTTP_RESPONSE_INCOMPLETE;
    default: return CUSP_HTTP_CONNECTION_TERMINATED;
  }
}

}  // namespace

BodyPump::BodyPump(io::Executor executor, cusp_body* target, std::unique_ptr<http::Body> source)
    : target_(target), source_(std::move(source)), asked_(executor) {}

void BodyPump::stop() {
  target_ = nullptr;
  asked_.notify();
}

io::Task<bool> BodyPump::wait_until_wanted() {
  while (target_ != nullptr && !cusp_body_closed(target_)) {
    if (cusp_body_wanted(target_)) co_return true;
    co_await asked_.wait();
  }
  co_return false;
}

io::Task<void> BodyPump::run() {
  while (co_await wait_until_wanted()) {
    auto part = co_await source_->read();
    if (target_ == nullptr) break;
    if (!part) {
      cusp_body_fail(target_, to_http_error(part.error().code));
      break;
    }
    if (!part->data.empty()) cusp_body_push(target_, to_ffi(part->data));
    if (part->end) {
      const auto trailers = part->trailers ? to_ffi(*part->trailers) : std::vector<cusp_field>();
      cusp_body_finish(target_, trailers.data(), trailers.size());
      break;
    }
  }
  source_.reset();
}

}  // namespace cusp::engine
