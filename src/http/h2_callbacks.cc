#include <nghttp2/nghttp2.h>

#include "base/assert.h"
#include "http/h2_connection.h"

namespace cusp::http {

namespace {

// What one stream may send ahead of its handler, and all of them together.
constexpr uint32_t kStreamWindowBytes = 256 * 1024;
constexpr int32_t kConnectionWindowBytes = 8 * 1024 * 1024;
// Handlers of streams that their client has reset may still run: so many, and no new ones.
constexpr size_t kHandlersMax = 2 * limits::kH2StreamsMax;
// Answers to PING and SETTINGS that a peer may have pending.
constexpr size_t kAcksMax = 256;
constexpr size_t kSettingsEntriesMax = 32;
constexpr size_t kFrameHeadBytes = 9;  // RFC 9113 section 4.1

constexpr auto kNever = ServerContext::Clock::time_point::max();

std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

// Whether a RST_STREAM of ours with this code says that the peer did wrong.
bool blames_peer(uint32_t error_code) {
  return error_code != NGHTTP2_NO_ERROR && error_code != NGHTTP2_INTERNAL_ERROR &&
         error_code != NGHTTP2_CANCEL;
}

}  // namespace

// The callbacks of nghttp2, in the order of a stream's life. They are called from within
// nghttp2_session_mem_recv and _mem_send, so they submit frames and never send them.
struct H2Callbacks {
  using Self = H2Connection;

  static Self& self(void* user_data) { return *static_cast<Self*>(user_data); }
  static H2Stream* stream(nghttp2_session* session, int32_t id) {
    return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

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

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user_data) {
    H2Stream* const to = stream(session, frame->hd.stream_id);
    if (to == nullptr) return 0;
    if (to->on_field(text(name, name_size), text(value, value_size))) return 0;
    self(user_data).terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // RFC 9113 section 8.2.1: malformed, and not to be repaired by leaving the field out.
  static int on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t*,
                               size_t, const uint8_t*, size_t, uint8_t, void*) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
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

  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                     size_t size, void* user_data) {
    self(user_data).guard_.useful_frame();
    if (H2Stream* const to = stream(session, id)) {
      to->on_data(text(data, size));
    } else {
      nghttp2_session_consume_connection(session, size);
    }
    return 0;
  }

  // A DATA frame goes out; nothing pads it.
  static int on_send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                          nghttp2_data_source* source, void* user_data) {
    H2Output& output = self(user_data).output_;
    if (!output.begin_data(text(head, kFrameHeadBytes))) return NGHTTP2_ERR_WOULDBLOCK;
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
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  using Set = H2Callbacks;
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Set::on_begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Set::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Set::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Set::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Set::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Set::on_data);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Set::on_send_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Set::on_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Set::on_not_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Set::on_close);

  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, 1);
  // With the setting below: PRIORITY frames are checked, and no tree is kept.
  nghttp2_option_set_server_fallback_rfc7540_priorities(options, 1);
  nghttp2_option_set_max_outbound_ack(options, kAcksMax);
  nghttp2_option_set_max_settings(options, kSettingsEntriesMax);

  nghttp2_session* session = nullptr;
  const int error = nghttp2_session_server_new2(&session, callbacks, &connection, options);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  CUSP_ASSERT(error == 0);  // out of memory

  // Priorities of RFC 7540 are gone from RFC 9113, and their trees were good for attacks.
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::kH2StreamsMax},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<uint32_t>(connection.server().limits.head_bytes_max)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
  return session;
}

}  // namespace cusp::http
