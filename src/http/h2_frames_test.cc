#include "http/h2_frames.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <string>

namespace cusp::http {
namespace {

constexpr uint8_t kEnd = NGHTTP2_FLAG_END_STREAM;

std::string frame(uint8_t type, uint8_t flags, int32_t id, size_t size = 0) {
  std::string text = {
      static_cast<char>(size >> 16), static_cast<char>(size >> 8), static_cast<char>(size),
      static_cast<char>(type),       static_cast<char>(flags),     static_cast<char>(id >> 24),
      static_cast<char>(id >> 16),   static_cast<char>(id >> 8),   static_cast<char>(id)};
  return text + std::string(size, 'x');
}
std::string headers(int32_t id, uint8_t flags = kEnd) {
  return frame(NGHTTP2_HEADERS, flags, id, 3);
}
std::string data(int32_t id, uint8_t flags = 0) { return frame(NGHTTP2_DATA, flags, id, 5); }
std::string reset(int32_t id) { return frame(NGHTTP2_RST_STREAM, 0, id, 4); }

class H2Frames : public ::testing::Test {
 protected:
  void SetUp() override { EXPECT_FALSE(check_.check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); }
  // The error of `text`, all at once.
  uint32_t error(const std::string& text) {
    const auto violation = check_.check(text);
    return violation ? violation->error_code : uint32_t{NGHTTP2_NO_ERROR};
  }
  H2FrameCheck check_;
};

TEST_F(H2Frames, RequestsOneAfterTheOtherAreFine) {
  for (int32_t id = 1; id < 2001; id += 2) {
    ASSERT_EQ(error(headers(id, 0) + data(id) + data(id, kEnd)), NGHTTP2_NO_ERROR);
  }
}

TEST_F(H2Frames, AStreamThatWasSkippedCannotBeOpened) {
  EXPECT_EQ(error(headers(1) + headers(9)), NGHTTP2_NO_ERROR);
  EXPECT_EQ(error(headers(5)), NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(H2Frames, TheFirstStreamsCanBeSkippedToo) {
  EXPECT_EQ(error(headers(7) + headers(1)), NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(H2Frames, AStreamThatItsClientEndedTakesNoMoreFrames) {
  EXPECT_EQ(error(headers(1) + data(1)), NGHTTP2_STREAM_CLOSED);
}

TEST_F(H2Frames, AStreamThatEndedWithDataTakesNoMoreHeaders) {
  EXPECT_EQ(error(headers(1, 0) + data(1, kEnd)), NGHTTP2_NO_ERROR);
  EXPECT_EQ(error(headers(1)), NGHTTP2_STREAM_CLOSED);
}

TEST_F(H2Frames, AStreamThatItsClientResetTakesNoMoreFrames) {
  EXPECT_EQ(error(headers(1, 0) + reset(1) + data(1)), NGHTTP2_STREAM_CLOSED);
}

TEST_F(H2Frames, TrailersAndControlFramesAreFine) {
  EXPECT_EQ(error(headers(1, 0) + data(1) + headers(1)), NGHTTP2_NO_ERROR);
  EXPECT_EQ(
      error(frame(NGHTTP2_WINDOW_UPDATE, 0, 1, 4) + frame(NGHTTP2_PRIORITY, 0, 1, 5) + reset(1)),
      NGHTTP2_NO_ERROR);
}

TEST_F(H2Frames, WhatFramesCarryIsNotTakenForFrames) {
  const std::string inside = headers(9) + headers(5);
  std::string outside = frame(NGHTTP2_DATA, 0, 1, inside.size());
  outside.replace(outside.size() - inside.size(), inside.size(), inside);
  EXPECT_EQ(error(headers(1, 0) + outside), NGHTTP2_NO_ERROR);
}

TEST_F(H2Frames, TheOffsetIsWhereTheOffendingFrameBegins) {
  const std::string good = headers(1) + headers(9);
  const auto violation = check_.check(good + headers(5) + headers(11));
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->offset, good.size());
}

TEST_F(H2Frames, BytesThatComeOneByOneSayTheSame) {
  const std::string text = headers(1, 0) + data(1, kEnd) + headers(9) + data(1);
  size_t seen = 0;
  for (; seen < text.size(); ++seen) {
    if (check_.check(text.substr(seen, 1))) break;
  }
  EXPECT_EQ(seen, text.size() - 5 - 1) << "the last byte of the last header";
}

TEST_F(H2Frames, OldEndsAreForgottenAndHarmAStreamNoMore) {
  for (int32_t id = 1; id < 1001; id += 2) ASSERT_EQ(error(headers(id)), NGHTTP2_NO_ERROR);
  EXPECT_EQ(error(data(1)), NGHTTP2_NO_ERROR);
  EXPECT_EQ(error(data(999)), NGHTTP2_STREAM_CLOSED);
}

}  // namespace
}  // namespace cusp::http
