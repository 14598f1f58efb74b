#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cusp::http {

// Looks at the frame headers that a client sends before nghttp2 gets them, for what nghttp2 cannot
// tell any more because it has forgotten the stream: opening one whose id was skipped, or sending
// on one that the client itself has ended, is a connection error (RFC 9113 sections 5.1 and 5.1.1).
// Frames on a stream that only we have reset may have been under way and are fine. Remembers the
// newest gaps and ends: an honest client does neither.
class H2FrameCheck {
 public:
  struct Violation {
    size_t offset;  // what comes before belongs to frames that are fine
    uint32_t error_code;
  };

  // `data` is the next piece of the connection, from the preface on. After a violation, no more.
  std::optional<Violation> check(std::string_view data);

 private:
  static constexpr size_t kPrefaceBytes = 24;
  static constexpr size_t kHeaderBytes = 9;
  static constexpr size_t kGapsMax = 16;
  static constexpr size_t kEndedMax = 64;

  // The error that the frame is, or NO_ERROR.
  uint32_t judge(uint8_t type, uint8_t flags, int32_t id);
  void ended(int32_t id);

  struct Gap {
    int32_t first = 0, last = 0;
  };
  std::array<Gap, kGapsMax> gaps_;
  std::array<int32_t, kEndedMax> ended_ = {};
  size_t next_gap_ = 0;
  size_t next_ended_ = 0;
  int32_t highest_ = -1;

  size_t skip_ = kPrefaceBytes;  // until the next header
  std::array<uint8_t, kHeaderBytes> header_;
  size_t header_size_ = 0;
};

}  // namespace cusp::http
