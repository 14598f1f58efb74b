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
  if (!reading_) source_.reset();
  asked_.notify();
}

bool BodyPump::open() const {
  return target_ != nullptr && source_ != nullptr && !cusp_body_closed(target_);
}

bool BodyPump::wanted() const { return !reading_ && open() && cusp_body_wanted(target_); }

bool BodyPump::try_feed() {
  auto part = source_->try_read();
  if (!part) return false;
  deliver(std::move(*part));
  return true;
}

io::Task<Result<http::BodyPart>> BodyPump::read() {
  reading_ = true;
  reading_since_ = std::chrono::steady_clock::now();
  auto part = co_await source_->read();
  reading_ = false;
  co_return part;
}

void BodyPump::deliver(Result<http::BodyPart> part) {
  const bool last = !part || part->end;
  if (target_ != nullptr && !part) {
    cusp_body_fail(target_, to_http_error(part.error().code));
  } else if (target_ != nullptr) {
    if (!part->bytes().empty()) cusp_body_push(target_, to_ffi(part->bytes()));
    if (last) {
      const auto trailers = part->trailers ? to_ffi(*part->trailers) : std::vector<cusp_field>();
      cusp_body_finish(target_, trailers.data(), trailers.size());
    }
  }
  if (last || target_ == nullptr) source_.reset();
}

io::Task<void> BodyPump::run() {
  while (open()) {
    if (wanted()) {
      deliver(co_await read());
    } else {
      co_await asked_.wait();
    }
  }
  source_.reset();
}

}  // namespace cusp::engine
