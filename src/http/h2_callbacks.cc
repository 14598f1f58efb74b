#include <nghttp2/nghttp2.h>

#include "http/h2_common_callbacks.h"
#include "http/h2_connection.h"

namespace cusp::http {

namespace {

// What one stream may send ahead of its handler, and all of them together.
constexpr uint32_t kStreamWindowBytes = 256 * 1024;
constexpr int32_t kConnectionWindowBytes = 8 * 1024 * 1024;
// Handlers of streams that their client has reset may still run: so many, and no new ones.
constexpr size_t kHandlersMax = 2 * limits::kH2StreamsMax;
constexpr size_t kFrameHeadBytes = 9;  // RFC 9113 section 4.1

constexpr auto kNever = ServerContext::Clock::time_point::max();

// Whether a RST_STREAM of ours with this code says that the peer did wrong.
bool blames_peer(uint32_t error_code) {
  return error_code != NGHTTP2_NO_ERROR && error_code != NGHTTP2_INTERNAL_ERROR &&
         error_code != NGHTTP2_CANCEL;
}

}  // namespace

// The callbacks of nghttp2, in the order of a stream's life. They are called from within
// nghttp2_session_mem_recv and _mem_send, so they submit frames and never send them.
struct H2Callbacks : H2CommonCallbacks<H2Connection, H2Stream> {
  using Self = H2Connection;

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
    Self& it = self(user_data);
    const bool headers = header->type == NGHTTP2_HEADERS;
    it.head_deadline_ = headers ? it.after(it.server_.limits.head_timeout) : kNever;
    it.wake_by(it.head_deadline_);
    return 0;
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                              void* user_data) {
    Self& it = self(user_data);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    const int32_t id = frame->hd.stream_id;
    if (it.handlers_ + it.started_.size() >= kHandlersMax || it.terminating_) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    auto stream = std::make_shared<H2Stream>(it.shared_from_this(), id);
    nghttp2_session_set_stream_user_data(session, id, stream.get());
    it.streams_.emplace(id, std::move(stream));
    it.idle_deadline_ = kNever;
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Self& it = self(user_data);
    H2Stream* const to = frame->hd.stream_id > 0 ? stream(session, frame->hd.stream_id) : nullptr;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        it.head_deadline_ = kNever;
        it.guard_.useful_frame();
        if (to == nullptr) return 0;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          to->on_head_end(ends_stream(*frame));
          it.started_.push_back(to->shared_from_this());
        } else if (ends_stream(*frame)) {
          to->on_request_end();
        }
        return 0;
      case NGHTTP2_DATA:
        if (ends_stream(*frame)) {
          if (to != nullptr) to->on_request_end();
        } else if (frame->hd.length == 0) {
          return control_frame(it);
        }
        return 0;
      case NGHTTP2_RST_STREAM:
        if (!it.guard_.reset_by_peer(it.server_.now)) it.terminate(NGHTTP2_ENHANCE_YOUR_CALM);
        return 0;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) return control_frame(it);
        if (it.draining_ && !it.closing_) it.say_goodbye();
        return 0;
      case NGHTTP2_GOAWAY: return 0;
      default: return control_frame(it);
    }
  }

  static int control_frame(Self& it) {
    if (!it.guard_.control_frame(it.server_.now)) it.terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
  }

  // A DATA frame goes out; nothing pads it.
  static int on_send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                          nghttp2_data_source* source, void* user_data) {
    H2Output& output = self(user_data).output_;
    if (!output.begin_data(h2_text(head, kFrameHeadBytes))) return NGHTTP2_ERR_WOULDBLOCK;
    output.add_data(static_cast<H2Stream*>(source->ptr)->take_data(size));
    return 0;
  }

  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Self& it = self(user_data);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      it.head_deadline_ = kNever;
      if (blames_peer(frame->rst_stream.error_code) && !it.guard_.fault_of_peer(it.server_.now))
        it.terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) {
      it.guard_.useful_frame();
      H2Stream* const to = ends_stream(*frame) ? stream(session, frame->hd.stream_id) : nullptr;
      if (to != nullptr) to->on_response_sent();
    }
    return 0;
  }

  // A head that is too large to be sent, for one.
  static int on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int, void*) {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
  }

  static int on_close(nghttp2_session*, int32_t id, uint32_t error_code, void* user_data) {
    Self& it = self(user_data);
    auto found = it.streams_.extract(id);
    if (!found) return 0;
    found.mapped()->on_close(error_code);
    if (it.streams_.empty()) it.became_idle();
    return 0;
  }
};

nghttp2_session* make_h2_session(H2Connection& connection) {
  // Priorities of RFC 7540 are gone from RFC 9113, and their trees were good for attacks.
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::kH2StreamsMax},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<uint32_t>(connection.server().limits.head_bytes_max)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  return make_session<H2Callbacks>(nghttp2_session_server_new2, connection, settings,
                                   kConnectionWindowBytes);
}

}  // namespace cusp::http
