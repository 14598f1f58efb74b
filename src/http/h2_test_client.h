// Long because one class speaks both directions.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// The client of the tests of HTTP/2 sessions: it sends exactly the frames that a test says, also
// those that no library would.
namespace cusp::http::testing {

struct Frame {
  uint8_t type;
  uint8_t flags;
  int32_t id;
  std::string payload;
};

using FieldList = std::vector<std::pair<std::string, std::string>>;

// What came back on one stream.
struct H2Answer {
  FieldList fields;
  FieldList trailers;
  std::string body;
  bool ended = false;
  std::optional<uint32_t> reset;

  std::string field(std::string_view name) const {
    for (const auto& [own, value] : fields) {
      if (own == name) return value;
    }
    return "(none)";
  }
  std::string status() const { return field(":status"); }
};

inline FieldList get(std::string path = "/") {
  return {{":method", "GET"}, {":scheme", "http"}, {":authority", "a.test"}, {":path", path}};
}
inline FieldList post(std::string path = "/") {
  return {{":method", "POST"}, {":scheme", "http"}, {":authority", "a.test"}, {":path", path}};
}

inline std::string number32(uint32_t value) {
  value = htonl(value);
  return std::string(reinterpret_cast<const char*>(&value), 4);
}

// A client over a blocking socket. Reads give up after five seconds.
class H2Client {
 public:
  explicit H2Client(uint16_t port, uint32_t window = 1 << 30) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit = {.tv_sec = 5};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    nghttp2_hd_deflate_new(&deflater_, 4096);
    nghttp2_hd_inflate_new(&inflater_);
    std::string settings("\0\x04", 2);  // INITIAL_WINDOW_SIZE
    settings.append(number32(window));
    send_raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frame(NGHTTP2_SETTINGS, 0, 0, settings);
    frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number32(1 << 30));
  }
  ~H2Client() {
    close();
    nghttp2_hd_deflate_del(deflater_);
    nghttp2_hd_inflate_del(inflater_);
  }
  H2Client(const H2Client&) = delete;

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  // False when the server has closed.
  bool send_raw(std::string_view data) {
    while (!data.empty()) {
      const ssize_t size = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      data.remove_prefix(static_cast<size_t>(size));
    }
    return true;
  }
  static std::string encode(uint8_t type, uint8_t flags, int32_t id, std::string_view payload) {
    std::string text = number32(static_cast<uint32_t>(payload.size()) << 8 | type);
    text.push_back(static_cast<char>(flags));
    text.append(number32(static_cast<uint32_t>(id))).append(payload);
    return text;
  }
  bool frame(uint8_t type, uint8_t flags, int32_t id, std::string_view payload = {}) {
    return send_raw(encode(type, flags, id, payload));
  }
  std::string compress(const FieldList& fields) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    std::string block(nghttp2_hd_deflate_bound(deflater_, list.data(), list.size()), '\0');
    const ssize_t size =
        nghttp2_hd_deflate_hd(deflater_, bytes(block), block.size(), list.data(), list.size());
    block.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    return block;
  }
  bool headers(int32_t id, const FieldList& fields, bool end) {
    const uint8_t flags = NGHTTP2_FLAG_END_HEADERS | (end ? NGHTTP2_FLAG_END_STREAM : 0);
    return frame(NGHTTP2_HEADERS, flags, id, compress(fields));
  }
  bool data(int32_t id, std::string_view text, bool end) {
    windows_[0] -= static_cast<int64_t>(text.size());
    window_of(id) -= static_cast<int64_t>(text.size());
    return frame(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, id, text);
  }
  bool reset(int32_t id) { return frame(NGHTTP2_RST_STREAM, 0, id, number32(NGHTTP2_CANCEL)); }

  // The next frame; nothing when the server has closed, or after five seconds. Settings are
  // acknowledged, and what belongs to a stream is added to its answer.
  std::optional<Frame> read_frame() {
    if (!need(9)) return std::nullopt;
    const auto at = [&](size_t index) { return static_cast<uint8_t>(in_[index]); };
    const size_t size = size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2);
    if (!need(9 + size)) return std::nullopt;
    Frame result{at(3), at(4), at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8), in_.substr(9, size)};
    in_.erase(0, 9 + size);
    note(result);
    return result;
  }
  // Sends DATA when the windows allow it; false when that never comes.
  bool send_data(int32_t id, const std::string& text) {
    while (send_window(id) < static_cast<int64_t>(text.size())) {
      if (!read_frame()) return false;
    }
    read_available();
    return data(id, text, false);
  }
  int64_t send_window(int32_t id) { return std::min(windows_[0], window_of(id)); }
  // What has come already, without waiting for more.
  void read_available() {
    while (!peek_after(0).empty() && read_frame()) {
    }
  }
  void read_until_headers(int32_t id) {
    while (answers_[id].fields.empty() && read_frame()) {
    }
  }
  void read_until_ping() {
    while (pings_ == 0 && read_frame()) {
    }
  }
  // Until then, everything before has been seen by both sides.
  void read_until_ping_after(std::string_view payload) {
    frame(NGHTTP2_PING, 0, 0, payload);
    read_until_ping();
  }
  H2Answer& peek(int32_t id) { return answers_[id]; }
  void acknowledge_pings() { acknowledges_pings_ = true; }
  // Reads until the stream has ended in either way.
  H2Answer& answer(int32_t id) {
    reads_ = 0;
    while (!answers_[id].ended && !answers_[id].reset && read_frame()) {
    }
    return answers_[id];
  }
  H2Answer& request(int32_t id, const FieldList& fields) {
    headers(id, fields, true);
    return answer(id);
  }
  // Reads until the server says RST_STREAM, also after the end of its answer.
  std::optional<uint32_t> wait_reset(int32_t id) {
    while (!answers_[id].reset && read_frame()) {
    }
    return answers_[id].reset;
  }
  // Reads to the end of the connection: the code of the last GOAWAY.
  std::optional<uint32_t> wait_goaway() {
    while (read_frame()) {
    }
    return goaway_;
  }
  // How many times answer() had to ask the socket.
  size_t reads_of_last_answer() const { return reads_; }
  bool closed() const { return closed_; }
  size_t pings_answered() const { return pings_; }
  const std::string& goaway_text() const { return goaway_text_; }
  int32_t goaway_last_stream() const { return goaway_last_; }
  size_t resets() const {
    return static_cast<size_t>(std::ranges::count_if(
        answers_, [](const auto& one) { return one.second.reset.has_value(); }));
  }
  // The bytes that came and were not asked for yet, after `ms` without reading.
  std::string peek_after(int ms) {
    ::usleep(static_cast<useconds_t>(ms) * 1000);
    char text[65536];
    const ssize_t size = ::recv(socket_, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);
    return in_ + std::string(text, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }

 private:
  static uint8_t* bytes(const std::string& text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  }
  static uint32_t number_at(const Frame& frame, size_t at) {
    uint32_t value = 0;
    if (frame.payload.size() >= at + 4)
      std::copy_n(&frame.payload[at], 4, reinterpret_cast<char*>(&value));
    return ntohl(value);
  }

  int64_t& window_of(int32_t id) {
    return windows_.try_emplace(id, id == 0 ? 65'535 : server_window_).first->second;
  }

  bool need(size_t size) {
    char text[65536];
    while (in_.size() < size) {
      const ssize_t got = ::recv(socket_, text, sizeof(text), 0);
      ++reads_;
      if (got <= 0) {
        closed_ = got == 0 || errno != EAGAIN;
        return false;
      }
      in_.append(text, static_cast<size_t>(got));
    }
    return true;
  }

  void note(const Frame& frame) {
    H2Answer& to = answers_[frame.id];
    const bool end = (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame.type) {
      case NGHTTP2_HEADERS:
        note_fields(frame, to);
        to.ended |= end;
        break;
      case NGHTTP2_DATA:
        to.body.append(frame.payload);
        to.ended |= end;
        break;
      case NGHTTP2_RST_STREAM: to.reset = number_at(frame, 0); break;
      case NGHTTP2_PING:
        pings_ += frame.flags & NGHTTP2_FLAG_ACK;
        if (acknowledges_pings_ && (frame.flags & NGHTTP2_FLAG_ACK) == 0)
          this->frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frame.payload);
        break;
      case NGHTTP2_WINDOW_UPDATE: window_of(frame.id) += number_at(frame, 0); break;
      case NGHTTP2_GOAWAY:
        goaway_last_ = static_cast<int32_t>(number_at(frame, 0));
        goaway_ = number_at(frame, 4);
        goaway_text_ = frame.payload.substr(std::min<size_t>(8, frame.payload.size()));
        break;
      case NGHTTP2_SETTINGS:
        if ((frame.flags & NGHTTP2_FLAG_ACK) == 0) note_settings(frame);
        break;
      default: break;
    }
  }

  // Acknowledges, and keeps the initial window: tests send no DATA before they have seen it.
  void note_settings(const Frame& frame) {
    for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
      if (frame.payload[at + 1] != NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) continue;
      const int64_t before = std::exchange(server_window_, number_at(frame, at + 2));
      for (auto& [id, window] : windows_) window += id == 0 ? 0 : server_window_ - before;
    }
    this->frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0);
  }

  void note_fields(const Frame& frame, H2Answer& to) {
    const bool interim = to.status().starts_with("1");
    if (interim) to.fields.clear();
    FieldList& fields = to.fields.empty() ? to.fields : to.trailers;
    std::string_view left = frame.payload;
    while (true) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(
          inflater_, &field, &flags, reinterpret_cast<const uint8_t*>(left.data()), left.size(), 1);
      ASSERT_GE(used, 0);
      left.remove_prefix(static_cast<size_t>(used));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                            std::string(reinterpret_cast<char*>(field.value), field.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
  }

  int socket_ = -1;
  nghttp2_hd_deflater* deflater_ = nullptr;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::string in_;
  std::map<int32_t, H2Answer> answers_;
  std::optional<uint32_t> goaway_;
  std::string goaway_text_;
  int32_t goaway_last_ = 0;
  std::map<int32_t, int64_t> windows_ = {{0, 65'535}};
  int64_t server_window_ = 65'535;
  bool acknowledges_pings_ = false;
  size_t reads_ = 0;
  size_t pings_ = 0;
  bool closed_ = false;
};

}  // namespace cusp::http::testing
