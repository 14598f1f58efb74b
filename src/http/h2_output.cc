#include "http/h2_output.h"

namespace cusp::http {

namespace {

// Frames are joined into writes of about this size.
constexpr size_t kWriteBytes = 64 * 1024;
// What an idle connection may hold.
constexpr size_t kIdleBytesMax = 16 * 1024;

}  // namespace

H2Output::Outcome H2Output::flush(nghttp2_session* session, io::Stream& stream) {
  while (true) {
    if (!fill(session)) return Outcome::kBroken;
    if (out_.empty()) return Outcome::kDone;
    if (const Outcome outcome = write(stream); outcome != Outcome::kDone) return outcome;
  }
}

// Takes frames from nghttp2 until there are enough for one write; false when it is out of memory.
bool H2Output::fill(nghttp2_session* session) {
  while (out_.size() < kWriteBytes) {
    const uint8_t* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session, &frame);
    if (size <= 0) return size == 0;
    out_.append(reinterpret_cast<const char*>(frame), static_cast<size_t>(size));
  }
  return true;
}

bool H2Output::begin_data(std::string_view head) {
  if (out_.size() >= kWriteBytes) return false;
  out_.append(head);
  return true;
}

H2Output::Outcome H2Output::write(io::Stream& stream) {
  Outcome outcome = Outcome::kDone;
  while (at_ < out_.size()) {
    const iovec piece = {out_.data() + at_, out_.size() - at_};
    const ssize_t size = stream.try_write({&piece, 1});
    if (size == io::Stream::kWouldBlock) return Outcome::kFull;
    if (size < 0) {
      outcome = Outcome::kBroken;
      break;
    }
    at_ += static_cast<size_t>(size);
  }
  out_.clear();
  at_ = 0;
  return outcome;
}

void H2Output::release() {
  if (out_.empty() && out_.capacity() > kIdleBytesMax) std::string().swap(out_);
}

}  // namespace cusp::http
