#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/fields.h"
#include "io/task.h"

namespace cusp::http {

// One step of a body. `data` may be empty in any part. `trailers` may be set in the last part only.
struct BodyPart {
  std::string data;
  bool end = false;
  std::optional<Fields> trailers;
  // In place of `data`, in parts of try_read() only: text that others have too, such as a cache, so
  // that nobody has to copy it.
  std::shared_ptr<const std::string> shared;

  std::string_view bytes() const { return shared ? *shared : data; }
};

// A message body as a stream, pulled by whoever consumes it: nothing is read ahead of demand beyond
// one part, which is the back pressure. Belongs to one shard. Destroying it means that the rest is
// not wanted: the producer is told (a guest keeps running for its work after the response; a peer's
// stream is reset or its connection not reused).
class Body {
 public:
  virtual ~Body() = default;

  // The next part, at most limits::kBodyChunkBytes. After a part with `end`, or an error, it is not
  // called again. Errors: kCancelled when the peer went away, kResourceExhausted over a size limit,
  // kDeadlineExceeded when the peer is too slow, kInvalidArgument for broken framing, kUnavailable
  // when the producer failed.
  virtual io::Task<Result<BodyPart>> read() = 0;

  // Whether read() would return without waiting. A session asks this to join a short body with its
  // head in one write and to send the head alone when the body is still to come.
  virtual bool ready() = 0;

  // read() without a coroutine, where the producer can: nothing when it would wait or cannot tell.
  // For the short bodies that most responses have. Its parts are read with bytes().
  virtual std::optional<Result<BodyPart>> try_read() { return std::nullopt; }

  // Takes back the last `bytes` of the part that was read last, which the reader cannot use yet:
  // the next part begins with them, and `end` of the last one does not hold. False: it cannot; for
  // what is read again at little cost, so that nobody has to keep it for a slow client.
  virtual bool give_back(size_t /*bytes*/) { return false; }

  // Whether it needs neither the request that it answers nor the connection of that: a session that
  // waits for a slow client may end, and another one goes on with the body.
  virtual bool stands_alone() const { return false; }

  // The number of bytes still to come, when it is known (from content-length, or a body held in
  // memory).
  virtual std::optional<uint64_t> size() const { return std::nullopt; }
};

// A body that is in memory as a whole. An empty one needs no Body at all: a null pointer means "no
// body".
std::unique_ptr<Body> make_body(std::string data);

// All of `body`, which may be null. Errors: those of read(), and kResourceExhausted for one that is
// larger than `bytes_max`.
io::Task<Result<std::string>> read_all(Body* body, size_t bytes_max);

}  // namespace cusp::http
