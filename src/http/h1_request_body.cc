#include <algorithm>
#include <utility>

#include "http/h1_connection.h"

namespace cusp::http {

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

// The next part of what has come; nothing when that is too little.
std::optional<Result<BodyPart>> H1Session::take_part() {
  auto part = input_.next_part();
  if (!part) return fail_body(part.error().code, part.error().message.c_str());
  if (input_.body_bytes() > server_.limits.body_bytes_max) {
    return fail_body(ErrorCode::kResourceExhausted, "the body is larger than the limit");
  }
  if (!*part) return std::nullopt;
  disarm_read();
  if ((*part)->end && body_done_) body_done_->notify();
  return std::move(**part);
}

ssize_t H1Session::fill_body() {
  const ssize_t size = input_.fill(*stream_, server_.scratch);
  if (size > 0) read_pace_.moved(static_cast<size_t>(size), server_.now);
  return size;
}

std::optional<Result<BodyPart>> H1Session::try_read_body() {
  if (expects_continue_ || body_reading_ || body_failed_ || input_.body_ended()) {
    return std::nullopt;
  }
  auto part = take_part();
  if (!part && fill_body() > 0) part = take_part();
  return part;
}

io::Task<Result<BodyPart>> H1Session::read_body(std::chrono::milliseconds patience) {
  const auto keep = shared_from_this();
  if (body_failed_ || input_.body_ended()) {
    co_return fail(ErrorCode::kCancelled, "the body has ended");
  }
  if (std::exchange(expects_continue_, false)) {
    std::string text = std::exchange(out_, {}).append(kContinue);
    saying_continue_ = true;
    const bool said = co_await io::write_all(*stream_, text);
    saying_continue_ = false;
    if (!said) {
      co_return fail_body(ErrorCode::kCancelled, "the client went away");
    }
  }
  while (true) {
    if (auto part = take_part()) co_return std::move(*part);
    const ssize_t size = fill_body();
    if (size > 0) continue;
    bool open = size == io::Stream::kWouldBlock;
    if (open) {
      arm_read(std::min(patience, read_pace_.wait(server_.now)));
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
    if (!co_await read_body(kLingerTime) || input_.body_bytes() > end) co_return false;
  }
  co_return true;
}

}  // namespace cusp::http
