#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "http/client_test_peer.h"
#include "http/h2_test_client.h"

// The upstream's side of an HTTP/2 connection for the client's tests: it sends exactly the frames
// that a test says, also those that no library would.
namespace cusp::http::testing {

// One field as HPACK's plainest form: a literal that is not indexed (RFC 7541 section 6.2.2).
inline std::string hpack_literal(std::string_view name, std::string_view value) {
  std::string text(1, '\0');
  for (const std::string_view part : {name, value}) {
    size_t left = part.size();
    if (left < 127) {
      text.push_back(static_cast<char>(left));
    } else {
      text.push_back(127);
      for (left -= 127; left >= 128; left /= 128)
        text.push_back(static_cast<char>(left % 128 | 128));
      text.push_back(static_cast<char>(left));
    }
    text.append(part);
  }
  return text;
}

inline std::string hpack_literals(const FieldList& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += hpack_literal(name, value);
  return text;
}

// One entry of a SETTINGS frame.
inline std::string setting(uint16_t id, uint32_t value) {
  return {static_cast<char>(id >> 8),     static_cast<char>(id),
          static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8),  static_cast<char>(value)};
}

class H2Peer {
 public:
  // Takes the preface and says its settings.
  explicit H2Peer(Peer& peer, std::string_view settings = {}) : peer_(peer) {
    preface_ = peer.read_exactly(24);
    frame(NGHTTP2_SETTINGS, 0, 0, settings);
    nghttp2_hd_inflate_new(&inflater_);
  }
  ~H2Peer() { nghttp2_hd_inflate_del(inflater_); }
  H2Peer(const H2Peer&) = delete;

  const std::string& preface() const { return preface_; }
  void frame(uint8_t type, uint8_t flags, int32_t id, std::string_view payload = {}) {
    peer_.write(H2Client::encode(type, flags, id, payload));
  }
  void headers(int32_t id, const FieldList& fields, bool end = false) {
    frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | (end ? NGHTTP2_FLAG_END_STREAM : 0), id,
          hpack_literals(fields));
  }
  void data(int32_t id, std::string_view text, bool end = false) {
    frame(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, id, text);
  }
  void answer(int32_t id, std::string_view text = "ok") {
    headers(id, {{":status", "200"}});
    data(id, text, true);
  }
  void reset(int32_t id, uint32_t code) { frame(NGHTTP2_RST_STREAM, 0, id, number32(code)); }
  void goaway(int32_t last, uint32_t code = NGHTTP2_NO_ERROR) {
    frame(NGHTTP2_GOAWAY, 0, 0, number32(static_cast<uint32_t>(last)) + number32(code));
  }

  // The next frame; nothing when the client has closed. Settings are acknowledged.
  std::optional<Frame> read_frame() {
    const std::string header = peer_.read_exactly(9);
    if (header.size() < 9) return std::nullopt;
    const auto at = [&](size_t index) { return static_cast<uint8_t>(header[index]); };
    const size_t size = size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2);
    Frame frame{at(3), at(4), at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8),
                peer_.read_exactly(size)};
    if (frame.type == NGHTTP2_SETTINGS && (frame.flags & NGHTTP2_FLAG_ACK) == 0)
      this->frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0);
    if (frame.type == NGHTTP2_GOAWAY) goaway_code_ = code_at(frame, 4);
    if (frame.type == NGHTTP2_HEADERS) decode(frame);
    return frame;
  }
  std::optional<Frame> read_until(uint8_t type) {
    while (auto frame = read_frame()) {
      if (frame->type == type) return frame;
    }
    return std::nullopt;
  }
  // The id of the next request, whose fields are fields(); 0 when the client has closed.
  int32_t read_request() {
    const auto frame = read_until(NGHTTP2_HEADERS);
    return frame ? frame->id : 0;
  }
  // Reads until the client has sent the end of its message on the stream; its body.
  std::string read_body(int32_t id) {
    std::string body;
    while (auto frame = read_frame()) {
      if (frame->id != id) continue;
      if (frame->type == NGHTTP2_DATA) body += frame->payload;
      if ((frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) break;
    }
    return body;
  }
  // Reads until the client closes.
  void read_all() {
    while (read_frame()) {
    }
  }
  const FieldList& fields() const { return fields_; }
  std::string field(std::string_view name) const {
    for (const auto& [own, value] : fields_) {
      if (own == name) return value;
    }
    return "(none)";
  }
  std::optional<uint32_t> goaway_code() const { return goaway_code_; }
  static uint32_t code_at(const Frame& frame, size_t at) {
    uint32_t value = 0;
    if (frame.payload.size() >= at + 4) std::memcpy(&value, frame.payload.data() + at, 4);
    return ntohl(value);
  }

 private:
  void decode(const Frame& frame) {
    fields_.clear();
    std::string_view left = frame.payload;
    while (!left.empty()) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(
          inflater_, &field, &flags, reinterpret_cast<const uint8_t*>(left.data()), left.size(), 1);
      if (used < 0) break;
      left.remove_prefix(static_cast<size_t>(used));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields_.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                             std::string(reinterpret_cast<char*>(field.value), field.valuelen));
      }
    }
    nghttp2_hd_inflate_end_headers(inflater_);
  }

  Peer& peer_;
  std::string preface_;
  nghttp2_hd_inflater* inflater_ = nullptr;
  FieldList fields_;
  std::optional<uint32_t> goaway_code_;
};

}  // namespace cusp::http::testing
