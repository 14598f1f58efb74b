#pragma once

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>

#include "io/stream.h"

namespace cusp::http {

// The frames of one HTTP/2 connection on their way out: joined into writes, and kept while the
// socket is full.
class H2Output {
 public:
  enum class Outcome : uint8_t {
    kDone,    // nothing is left to say
    kFull,    // the socket takes no more: wait for it, then write()
    kBroken,  // the connection is of no more use
  };

  // Takes frames from the session and writes them, until either has had enough.
  Outcome flush(nghttp2_session* session, io::Stream& stream);
  // Goes on with what was taken before.
  Outcome write(io::Stream& stream);
  // An idle connection holds no buffer.
  void release();

  // For nghttp2's send_data callback, within flush(): a frame's head, to be followed by its bytes,
  // which are added with no copy in between. False when there is enough for one write already.
  bool begin_data(std::string_view head);
  void add_data(std::string_view bytes) { out_.append(bytes); }

 private:
  bool fill(nghttp2_session* session);

  std::string out_;  // bytes before at_ are written
  size_t at_ = 0;
};

}  // namespace cusp::http
