#include <nghttp2/nghttp2.h>

#include "base/assert.h"
#include "http/client_h2.h"
#include "http/client_h2_stream.h"

namespace cusp::http {

namespace {

// What one response may come ahead of its reader, and all of them together: readers that rest hold
// nobody else up.
constexpr uint32_t kStreamWindowBytes = 256 * 1024;
constexpr int32_t kConnectionWindowBytes = limits::kH2StreamsMax * kStreamWindowBytes;
// Answers to PING and SETTINGS that the upstream may have pending.
constexpr size_t kAcksMax = 256;
constexpr size_t kSettingsEntriesMax = 32;

std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

// The callbacks of nghttp2. They are called from within nghttp2_session_mem_recv and _mem_send, so
// they submit frames and never send them.
struct H2ClientCallbacks {
  using Self = H2Client;

  static Self& self(void* user_data) { return *static_cast<Self*>(user_data); }
  static H2ClientStream* stream(nghttp2_session* session, int32_t id) {
    return static_cast<H2ClientStream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  // Counts also what nghttp2 ignores and tells nobody about.
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
    switch (header->type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
      case NGHTTP2_CONTINUATION:
      case NGHTTP2_RST_STREAM: return 0;  // at most one for each request of ours
      default: return control_frame(self(user_data));
    }
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user_data) {
    H2ClientStream* const to = stream(session, frame->hd.stream_id);
    if (to == nullptr || to->on_field(text(name, name_size), text(value, value_size))) return 0;
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
    H2ClientStream* const to =
        frame->hd.stream_id > 0 ? stream(session, frame->hd.stream_id) : nullptr;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (to == nullptr) return control_frame(it);
        switch (to->on_head_end()) {
          case H2ClientStream::Head::kFinal: it.guard_.useful_frame(); break;
          case H2ClientStream::Head::kInterim: return control_frame(it);  // moves nothing on
          case H2ClientStream::Head::kTooMany: it.terminate(NGHTTP2_ENHANCE_YOUR_CALM); return 0;
        }
        break;
      case NGHTTP2_DATA:
        if (frame->hd.length == 0 && !ends_stream(*frame)) return control_frame(it);
        break;
      case NGHTTP2_SETTINGS: it.settings_came(); return 0;
      case NGHTTP2_GOAWAY: it.retire(); return 0;
      default: return 0;
    }
    if (to != nullptr && ends_stream(*frame)) to->on_response_end();
    return 0;
  }

  static int control_frame(Self& it) {
    if (!it.guard_.control_frame(H2Guard::Clock::now())) it.terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
  }

  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                     size_t size, void* user_data) {
    self(user_data).guard_.useful_frame();
    if (H2ClientStream* const to = stream(session, id)) {
      to->on_data(text(data, size));
    } else {
      nghttp2_session_consume_connection(session, size);
    }
    return 0;
  }

  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Self& it = self(user_data);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      it.breached_ |= frame->goaway.error_code != NGHTTP2_NO_ERROR;
    } else if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) {
      it.guard_.useful_frame();
      H2ClientStream* const to =
          ends_stream(*frame) ? stream(session, frame->hd.stream_id) : nullptr;
      if (to != nullptr) to->on_request_sent();
    }
    return 0;
  }

  static int on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int error,
                         void* user_data) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      // One that waited in nghttp2 while the upstream said GOAWAY, or too large a head: there never
      // was a stream.
      const bool too_late = error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED;
      return on_close(session, frame->hd.stream_id,
                      too_late ? NGHTTP2_REFUSED_STREAM : NGHTTP2_INTERNAL_ERROR, user_data);
    }
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_INTERNAL_ERROR);
    return 0;
  }

  static int on_close(nghttp2_session*, int32_t id, uint32_t error_code, void* user_data) {
    Self& it = self(user_data);
    auto found = it.streams_.extract(id);
    if (!found) return 0;
    found.mapped()->on_close(error_code);
    it.stream_ended();
    return 0;
  }
};

nghttp2_session* make_h2_client_session(H2Client& connection) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  using Set = H2ClientCallbacks;
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Set::on_begin_frame);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Set::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Set::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Set::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Set::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Set::on_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Set::on_not_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Set::on_close);

  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_max_outbound_ack(options, kAcksMax);
  nghttp2_option_set_max_settings(options, kSettingsEntriesMax);

  nghttp2_session* session = nullptr;
  const int error = nghttp2_session_client_new2(&session, callbacks, &connection, options);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  CUSP_ASSERT(error == 0);  // out of memory

  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kHeadBytesMax},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
  return session;
}

}  // namespace cusp::http
