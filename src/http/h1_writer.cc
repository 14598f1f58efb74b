#include "http/h1_writer.h"

#include <algorithm>
#include <charconv>

namespace cusp::http {

namespace {

void append_number(std::string& out, uint64_t number, int base = 10) {
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number, base);
  out.append(text, end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_upgrade(std::string& out, std::string_view protocol) {
  append_field(out, "connection", "upgrade");
  append_field(out, "upgrade", protocol);
}

// Fields that belong to the connection: the session's to set, never a handler's.
bool is_framing(std::string_view name) {
  switch (name.size()) {
    case 7: return name == "upgrade";
    case 10: return name == "connection" || name == "keep-alive";
    case 16: return name == "proxy-connection";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}

std::optional<uint64_t> parse_length(std::string_view value) {
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.begin(), value.end(), length);
  if (error != std::errc() || end != value.end()) return std::nullopt;
  return length;
}

// Writes into memory that is known to suffice: a head is many short pieces, and a string would
// check its capacity for each.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}
  Pen& put(std::string_view text) {
    at_ = std::copy(text.begin(), text.end(), at_);
    return *this;
  }
  Pen& put(uint64_t number) {
    at_ = std::to_chars(at_, at_ + kNumberBytesMax, number).ptr;
    return *this;
  }
  Pen& field(std::string_view name, std::string_view value) {
    return put(name).put(": ").put(value).put("\r\n");
  }
  char* at() const { return at_; }

  static constexpr size_t kNumberBytesMax = 20;

 private:
  char* at_;
};

// A head of the class 1xx up to its own fields.
void append_interim_head(uint16_t status, const Fields& fields, std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(out, status);
  out.append(" ").append(reason_phrase(status)).append("\r\n");
  for (const auto [name, value] : fields) {
    // It has no content, and what follows it is not its to delimit.
    if (is_framing(name) || name == "content-length") continue;
    if (valid_field_name(name) && valid_field_value(value)) append_field(out, name, value);
  }
}

// What a head takes beside the response's own fields: the longest status line, date,
// content-length, transfer-encoding, connection.
constexpr size_t kOwnBytesMax = 256;
// ": " and CRLF.
constexpr size_t kFieldExtraBytes = 4;

}  // namespace

void H1Writer::head(Response& response, std::optional<uint64_t> size, std::string_view date,
                    std::string& out) {
  const size_t before = out.size();
  const size_t bytes_max = kOwnBytesMax + date.size() + response.fields.byte_size() +
                           kFieldExtraBytes * response.fields.size();
  out.resize_and_overwrite(before + bytes_max, [&](char* data, size_t) {
    Pen pen(data + before);
    pen.put("HTTP/1.1 ").put(response.status).put(" ");
    pen.put(reason_phrase(response.status)).put("\r\n");
    bool has_date = false;
    for (const auto [name, value] : response.fields) {
      if (is_framing(name)) continue;
      if (name == "content-length") {
        size = parse_length(value);
        continue;
      }
      // What could end the line early never gets out, whoever the handler had it from.
      if (!valid_field_name(name) || !valid_field_value(value)) continue;
      has_date |= name == "date";
      pen.field(name, value);
    }
    if (!has_date) pen.field("date", date);
    write_framing(response.status, size, [&](auto... text) { (pen.put(text), ...); });
    return static_cast<size_t>(pen.put("\r\n").at() - data);
  });
}

// Section 6: how the client finds the end of the body.
template <class Put>
void H1Writer::write_framing(uint16_t status, std::optional<uint64_t> size, Put put) {
  if (bodyless(status)) {
    // 304 may tell the length of what it stands for.
    if (status == 304 && size.value_or(0) > 0) put("content-length: ", *size, "\r\n");
  } else if (size) {
    put("content-length: ", *size, "\r\n");
    left_ = size;
  } else if (version_ == Version::kHttp10) {
    keep_alive_ = false;  // the end of the connection is the end of the body
  } else {
    chunked_ = !head_request_;
    put("transfer-encoding: chunked\r\n");
  }
  if (!keep_alive_) {
    put("connection: close\r\n");
  } else if (version_ == Version::kHttp10) {
    put("connection: keep-alive\r\n");
  }
}

bool H1Writer::body(const BodyPart& part, std::string& out) {
  if (left_) {
    if (part.bytes().size() > *left_) return false;
    *left_ -= part.bytes().size();
    return !part.end || *left_ == 0;
  }
  if (chunked_ && !part.bytes().empty()) {
    append_number(out, part.bytes().size(), 16);
    out.append("\r\n");
  }
  return true;
}

iovec H1Writer::after(const BodyPart& part) {
  after_.clear();
  if (chunked_) {
    if (!part.bytes().empty()) after_.append("\r\n");
    if (part.end) {
      after_.append("0\r\n");
      if (part.trailers) {
        for (const auto [name, value] : *part.trailers) {
          if (valid_field_name(name) && valid_field_value(value)) append_field(after_, name, value);
        }
      }
      after_.append("\r\n");
    }
  }
  return {after_.data(), after_.size()};
}

void write_interim(uint16_t status, const Fields& fields, std::string& out) {
  append_interim_head(status, fields, out);
  out.append("\r\n");
}

void write_switch_head(const Fields& fields, std::string_view protocol, std::string& out) {
  append_interim_head(101, fields, out);
  append_upgrade(out, protocol);
  out.append("\r\n");
}

void write_request_head(const Request& request, std::optional<uint64_t> size, bool chunked,
                        std::string& out) {
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  append_field(out, "host", request.authority);
  for (const auto [name, value] : request.fields) {
    if (is_framing(name) || name == "host" || name == "content-length" || name == "expect")
      continue;
    append_field(out, name, value);
  }
  if (chunked) {
    append_field(out, "transfer-encoding", "chunked");
  } else if (size) {
    out.append("content-length: ");
    append_number(out, *size);
    out.append("\r\n");
  }
  if (request.expects_continue) append_field(out, "expect", "100-continue");
  if (!request.upgrade.empty()) append_upgrade(out, request.upgrade);
  out.append("\r\n");
}

}  // namespace cusp::http
