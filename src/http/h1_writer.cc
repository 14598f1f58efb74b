#include "http/h1_writer.h"

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

// Fields that belong to the connection: the session's to set, never a handler's.
bool is_framing(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
         name == "proxy-connection" || name == "upgrade";
}

std::optional<uint64_t> declared_length(const Fields& fields) {
  const auto value = fields.get("content-length");
  uint64_t length = 0;
  if (!value) return std::nullopt;
  const auto [end, error] = std::from_chars(value->begin(), value->end(), length);
  if (error != std::errc() || end != value->end()) return std::nullopt;
  return length;
}

}  // namespace

void H1Writer::head(Response& response, std::optional<uint64_t> size, std::string_view date,
                    std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(out, response.status);
  out.push_back(' ');
  out.append(reason_phrase(response.status)).append("\r\n");
  const auto declared = declared_length(response.fields);
  bool has_date = false;
  for (const auto [name, value] : response.fields) {
    if (is_framing(name) || name == "content-length") continue;
    has_date |= name == "date";
    append_field(out, name, value);
  }
  if (!has_date) append_field(out, "date", date);

  const std::optional<uint64_t> length = declared ? declared : size;
  if (bodyless(response.status)) {
    if (declared && response.status == 304)
      append_field(out, "content-length", *response.fields.get("content-length"));
  } else if (length) {
    out.append("content-length: ");
    append_number(out, *length);
    out.append("\r\n");
    left_ = length;
  } else if (version_ == Version::kHttp10) {
    keep_alive_ = false;  // the end of the connection is the end of the body
  } else {
    if (!head_request_) chunked_ = true;
    append_field(out, "transfer-encoding", "chunked");
  }
  if (!keep_alive_) {
    append_field(out, "connection", "close");
  } else if (version_ == Version::kHttp10) {
    append_field(out, "connection", "keep-alive");
  }
  out.append("\r\n");
}

bool H1Writer::body(const BodyPart& part, std::string& out) {
  if (left_) {
    if (part.data.size() > *left_) return false;
    *left_ -= part.data.size();
    return !part.end || *left_ == 0;
  }
  if (chunked_ && !part.data.empty()) {
    append_number(out, part.data.size(), 16);
    out.append("\r\n");
  }
  return true;
}

iovec H1Writer::after(const BodyPart& part) {
  after_.clear();
  if (chunked_) {
    if (!part.data.empty()) after_.append("\r\n");
    if (part.end) {
      after_.append("0\r\n");
      if (part.trailers) {
        for (const auto [name, value] : *part.trailers) append_field(after_, name, value);
      }
      after_.append("\r\n");
    }
  }
  return {after_.data(), after_.size()};
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
  out.append("\r\n");
}

}  // namespace cusp::http
