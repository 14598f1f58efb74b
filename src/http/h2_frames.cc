#include "http/h2_frames.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace cusp::http {

std::optional<H2FrameCheck::Violation> H2FrameCheck::check(std::string_view data) {
  size_t at = 0;
  while (true) {
    const size_t skipped = std::min(skip_, data.size() - at);
    skip_ -= skipped;
    at += skipped;
    if (at == data.size()) return std::nullopt;
    const size_t taken = std::min(kHeaderBytes - header_size_, data.size() - at);
    std::copy_n(data.data() + at, taken, header_.data() + header_size_);
    header_size_ += taken;
    if (header_size_ < kHeaderBytes) return std::nullopt;
    header_size_ = 0;
    skip_ = size_t{header_[0]} << 16 | size_t{header_[1]} << 8 | header_[2];
    const auto id = static_cast<int32_t>((header_[5] & 0x7fu) << 24 | uint32_t{header_[6]} << 16 |
                                         uint32_t{header_[7]} << 8 | header_[8]);
    if (const uint32_t error = judge(header_[3], header_[4], id); error != NGHTTP2_NO_ERROR)
      return Violation{at, error};
    at += taken;
  }
}

uint32_t H2FrameCheck::judge(uint8_t type, uint8_t flags, int32_t id) {
  if (type == NGHTTP2_RST_STREAM) ended(id);
  if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) return NGHTTP2_NO_ERROR;
  if (id <= highest_) {
    const bool skipped = std::ranges::any_of(
        gaps_, [id](const Gap& gap) { return gap.first > 0 && id >= gap.first && id <= gap.last; });
    if (skipped) return NGHTTP2_PROTOCOL_ERROR;
    if (std::ranges::find(ended_, id) != ended_.end()) return NGHTTP2_STREAM_CLOSED;
  } else if (type == NGHTTP2_HEADERS) {
    if (id > highest_ + 2) {
      gaps_[next_gap_] = {highest_ + 2, id - 2};
      next_gap_ = (next_gap_ + 1) % kGapsMax;
    }
    highest_ = id;
  }
  if ((flags & NGHTTP2_FLAG_END_STREAM) != 0) ended(id);
  return NGHTTP2_NO_ERROR;
}

void H2FrameCheck::ended(int32_t id) {
  ended_[next_ended_] = id;
  next_ended_ = (next_ended_ + 1) % kEndedMax;
}

}  // namespace cusp::http
