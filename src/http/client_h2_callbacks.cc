#include <nghttp2/nghttp2.h>

#include "http/client_h2.h"
#include "http/client_h2_stream.h"
#include "http/h2_common_callbacks.h"

namespace cusp::http {

namespace {

// What one response may come ahead of its reader, and all of them together: readers that rest hold
// nobody else up.
constexpr uint32_t kStreamWindowBytes = 256 * 1024;
constexpr int32_t kConnectionWindowBytes = limits::kH2StreamsMax * kStreamWindowBytes;

}  // namespace

// The callbacks of nghttp2. They are called from within nghttp2_session_mem_recv and _mem_send, so
// they submit frames and never send them.
struct H2ClientCallbacks : H2CommonCallbacks<H2Client, H2ClientStream> {
  using Self = H2Client;

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
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kHeadBytesMax},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  return make_session<H2ClientCallbacks>(nghttp2_session_client_new2, connection, settings,
                                         kConnectionWindowBytes);
}

}  // namespace cusp::http
