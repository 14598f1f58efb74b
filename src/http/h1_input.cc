#include "http/h1_input.h"

#include <algorithm>
#include <utility>

namespace cusp::http {
namespace {

// What an idle connection may hold; the head of most requests is below it.
constexpr size_t kIdleBytesMax = 2 * 1024;

}  // namespace

ssize_t H1Input::fill(io::Stream& stream, std::span<char> scratch) {
  const ssize_t size = stream.try_read(scratch.data(), scratch.size());
  if (size <= 0) return size;
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_.append(scratch.data(), static_cast<size_t>(size));
  return size;
}

std::string H1Input::take_unread() {
  buffer_.erase(0, std::exchange(at_, 0));
  return std::exchange(buffer_, {});
}

void H1Input::release() {
  if (at_ < buffer_.size() || buffer_.capacity() <= kIdleBytesMax) return;
  std::string().swap(buffer_);
  at_ = 0;
}

void H1Input::begin_body(Framing framing, uint64_t content_length) {
  framing_ = framing;
  left_ = content_length;
  bytes_ = 0;
  ended_ = framing == Framing::kNone;
  if (framing == Framing::kChunked) chunks_.emplace(limits_);
}

std::optional<uint64_t> H1Input::body_left() const {
  if (framing_ == Framing::kLength || framing_ == Framing::kNone) return left_;
  return std::nullopt;
}

Result<BodyPart> H1Input::decode_chunks() {
  BodyPart part;
  while (part.data.size() < limits::kBodyChunkBytes && !part.end) {
    const size_t room = limits::kBodyChunkBytes - part.data.size();
    const auto step = chunks_->next(unread(), room);
    if (!step) return fail(ErrorCode::kInvalidArgument, step.error().reason);
    if (step->consumed == 0 && !step->end) break;
    part.data.append(step->data);
    consume(step->consumed);
    part.end = step->end;
  }
  if (part.end) {
    Fields trailers = chunks_->take_trailers();
    if (!trailers.empty()) part.trailers = std::move(trailers);
  }
  return part;
}

Result<std::optional<BodyPart>> H1Input::next_part() {
  BodyPart part;
  if (framing_ == Framing::kChunked) {
    CUSP_TRY(part, decode_chunks());
  } else {
    const uint64_t most = framing_ == Framing::kLength ? left_ : limits::kBodyChunkBytes;
    const auto size = static_cast<size_t>(std::min<uint64_t>(most, limits::kBodyChunkBytes));
    if (at_ == 0 && buffer_.size() <= size) {
      part.data = std::exchange(buffer_, {});  // no copy of what one read has brought
    } else {
      part.data = unread().substr(0, size);
      consume(part.data.size());
    }
    if (framing_ == Framing::kLength) {
      left_ -= part.data.size();
      part.end = left_ == 0;
    }
  }
  bytes_ += part.data.size();
  ended_ = part.end;
  if (part.data.empty() && !part.end) return std::optional<BodyPart>();
  return std::optional(std::move(part));
}

bool H1Input::end_at_close() {
  if (framing_ != Framing::kUntilClose || !unread().empty()) return false;
  ended_ = true;
  return true;
}

}  // namespace cusp::http
