#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "http/message.h"

// HTTP/1.1 syntax (RFC 9112), strict: what two parsers could read in two ways is refused, never
// repaired. Pure functions over bytes; nothing here waits or keeps a reference.
namespace cusp::http {

// How a message's body is delimited (section 6.3).
enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

// What a request's head says about the connection; the rest of it is in the Request.
struct RequestFraming {
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;  // with Framing::kLength
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ResponseHead {
  uint16_t status = 0;
  Fields fields;
  Version version = Version::kHttp11;
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;
  bool keep_alive = true;
  std::string upgrade;  // with 101: the protocol switched to, in lower case; empty when unclear
};

// Why a message is refused: the status to answer with and a phrase for the log.
struct SyntaxError {
  uint16_t status;
  const char* reason;
};

struct HeadLimits {
  size_t head_bytes_max = limits::kHeadBytesMax;
  size_t target_bytes_max = limits::kTargetBytesMax;
  size_t fields_max = limits::kFieldsMax;
};

// Where a head ends: the size with its empty line; nothing while more bytes are needed. Looks only
// at what comes after `seen` bytes, which an earlier call has looked at. Errors: a bare CR or a
// head of bare LFs (400), or beyond the limit (431, or 414 when the request line alone fills it).
std::expected<std::optional<size_t>, SyntaxError> find_head_end(std::string_view data, size_t seen,
                                                                const HeadLimits& limits);

// Parses one complete head, as found by find_head_end, into method, authority (from an absolute
// target, else from Host), target, version, upgrade and fields of `request`, which keep their
// memory. Fields that belong to the connection, those that "connection" names (RFC 9110 section
// 7.6.1) and "expect" are left out.
std::expected<RequestFraming, SyntaxError> parse_request_head(std::string_view head,
                                                              const HeadLimits& limits,
                                                              Request& request);

// The same for a response to `request_method`, which decides whether there is a body. An interim
// response (1xx) has none.
std::expected<ResponseHead, SyntaxError> parse_response_head(std::string_view head,
                                                             std::string_view request_method,
                                                             const HeadLimits& limits);

// Whether it is what the field "upgrade" may name: "websocket", "a/1" (RFC 9110 section 7.8).
bool valid_protocol(std::string_view protocol);

// Decodes a chunked body (section 7.1) piece by piece.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(const HeadLimits& limits) : limits_(limits) {}

  struct Step {
    size_t consumed = 0;    // bytes of the input that are done with
    std::string_view data;  // body bytes among them
    bool end = false;       // the last chunk and the trailers have been read
  };
  // Looks at `input`, from where the last step ended, and yields at most `data_max` bytes of the
  // body. A step that consumes nothing needs more input.
  std::expected<Step, SyntaxError> next(std::string_view input,
                                        size_t data_max = limits::kBodyChunkBytes);

  // After the end; empty when there were none.
  Fields take_trailers() { return std::move(trailers_); }

 private:
  enum class State : uint8_t { kSize, kData, kDataEnd, kTrailers };
  std::expected<Step, SyntaxError> read_size(std::string_view input);
  std::expected<Step, SyntaxError> read_trailers(std::string_view input);

  HeadLimits limits_;
  State state_ = State::kSize;
  uint64_t left_ = 0;
  Fields trailers_;
};

}  // namespace cusp::http
