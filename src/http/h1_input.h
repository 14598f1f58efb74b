#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/h1_parser.h"
#include "io/stream.h"

namespace cusp::http {

// The bytes that come in on an HTTP/1.1 connection, and the body that they are being read as. It
// tries and never waits.
class H1Input {
 public:
  // `data` has come already.
  explicit H1Input(const HeadLimits& limits, std::string data = {})
      : limits_(limits), buffer_(std::move(data)) {}

  // What has come and is not used up yet; valid until the next fill().
  std::string_view unread() const { return std::string_view(buffer_).substr(at_); }
  void consume(size_t bytes) { at_ += bytes; }

  // Reads more bytes behind those, by way of `scratch`, so that this holds no more memory than what
  // has come; the result is that of Stream::try_read.
  ssize_t fill(io::Stream& stream, std::span<char> scratch);
  std::string take_unread();
  // Gives large memory back if nothing is unread.
  void release();

  // From here on the bytes are a body.
  void begin_body(Framing framing, uint64_t content_length);
  // The next part from the bytes that are there; nothing when more are needed. Errors:
  // kInvalidArgument for broken framing.
  Result<std::optional<BodyPart>> next_part();
  // The connection has ended: whether that is the proper end of the body.
  bool end_at_close();

  bool body_ended() const { return ended_; }
  uint64_t body_bytes() const { return bytes_; }  // so far
  std::optional<uint64_t> body_left() const;      // where it is known

 private:
  Result<BodyPart> decode_chunks();

  HeadLimits limits_;
  std::string buffer_;  // bytes before at_ are used up
  size_t at_ = 0;
  Framing framing_ = Framing::kNone;
  uint64_t left_ = 0;
  uint64_t bytes_ = 0;
  bool ended_ = true;
  std::optional<ChunkedDecoder> chunks_;
};

}  // namespace cusp::http
