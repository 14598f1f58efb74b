#pragma once

#include <nghttp2/nghttp2.h>

#include <span>
#include <string_view>

#include "base/assert.h"

namespace cusp::http {

inline std::string_view h2_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

// The callbacks of nghttp2 that both sides of HTTP/2 have alike; each side's own derive from them.
// They are called from within nghttp2_session_mem_recv and _mem_send, so they submit frames and
// never send them.
template <class Connection, class Stream>
struct H2CommonCallbacks {
  static Connection& self(void* user_data) { return *static_cast<Connection*>(user_data); }
  static Stream* stream(nghttp2_session* session, int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user_data) {
    Stream* const to = stream(session, frame->hd.stream_id);
    if (to == nullptr || to->on_field(h2_text(name, name_size), h2_text(value, value_size)))
      return 0;
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

  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                     size_t size, void* user_data) {
    self(user_data).guard_.useful_frame();
    if (Stream* const to = stream(session, id)) {
      to->on_data(h2_text(data, size));
    } else {
      nghttp2_session_consume_connection(session, size);
    }
    return 0;
  }
};

// What makes a session of nghttp2: of a client, or of a server.
using H2Create = int (*)(nghttp2_session**, const nghttp2_session_callbacks*, void*,
                         const nghttp2_option*);

// A new session whose callbacks are those of `Set` and act on `connection`, which outlives it. It
// says `settings`, and lets the peer be `window_bytes` ahead on the connection.
template <class Set, class Connection>
nghttp2_session* make_session(H2Create create, Connection& connection,
                              std::span<const nghttp2_settings_entry> settings,
                              int32_t window_bytes) {
  // Answers to PING and SETTINGS that a peer may have pending.
  constexpr size_t kAcksMax = 256;
  constexpr size_t kSettingsEntriesMax = 32;

  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Set::on_begin_frame);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Set::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Set::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Set::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Set::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Set::on_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Set::on_not_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Set::on_close);
  if constexpr (requires { &Set::on_begin_headers; })
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Set::on_begin_headers);
  if constexpr (requires { &Set::on_send_data; })
    nghttp2_session_callbacks_set_send_data_callback(callbacks, Set::on_send_data);

  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, 1);
  // With SETTINGS_NO_RFC7540_PRIORITIES, a server checks PRIORITY frames and keeps no tree.
  nghttp2_option_set_server_fallback_rfc7540_priorities(options, 1);
  nghttp2_option_set_max_outbound_ack(options, kAcksMax);
  nghttp2_option_set_max_settings(options, kSettingsEntriesMax);

  nghttp2_session* session = nullptr;
  const int error = create(&session, callbacks, &connection, options);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  CUSP_ASSERT(error == 0);  // out of memory

  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, window_bytes);
  return session;
}

}  // namespace cusp::http
