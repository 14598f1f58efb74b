#include "http/h2_request.h"

#include <charconv>

#include "http/authority.h"

namespace cusp::http {

namespace {

// What RFC 9113 section 6.5.2 counts for each field beyond its text.
constexpr size_t kFieldOverheadBytes = 32;
// A head this many times over the limit gets no answer.
constexpr size_t kBytesFactorMax = 4;

}  // namespace

bool H2RequestHead::add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  if (bytes_ > bytes_max_) return bytes_ <= bytes_max_ * kBytesFactorMax;
  if (name.starts_with(':')) {
    add_pseudo(name, value);
    return true;
  }
  if (name == "cookie") {  // split for compression only (section 8.2.3)
    if (!cookie_.empty()) cookie_.append("; ");
    cookie_.append(value);
    return true;
  }
  if (++count_ > fields_max_ || name == "te") return true;
  if (name == "expect") {
    expects_continue_ = value == "100-continue";
    return true;
  }
  if (name == "content-length") {
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.begin(), value.end(), length);
    if (error == std::errc() && end == value.end()) content_length_ = length;
  }
  request_.fields.add(name, value);
  return true;
}

void H2RequestHead::add_pseudo(std::string_view name, std::string_view value) {
  if (name == ":method") {
    request_.method = value;
  } else if (name == ":path") {
    request_.target = value;
  } else if (name == ":authority") {
    request_.authority = value;
  }
}

std::expected<Request, SyntaxError> H2RequestHead::finish(bool tls) {
  const auto refuse = [](uint16_t status, const char* reason) {
    return std::unexpected(SyntaxError{status, reason});
  };
  if (bytes_ > bytes_max_) return refuse(431, "a head over the limit");
  if (count_ > fields_max_) return refuse(431, "too many fields");
  if (request_.method == "CONNECT") return refuse(501, "CONNECT is not served");
  if (request_.target.size() > limits::kTargetBytesMax)
    return refuse(414, "a target over the limit");
  if (request_.fields.count("host") > 1) return refuse(400, "host twice");
  if (const auto host = request_.fields.get("host")) {
    if (request_.authority.empty()) request_.authority = *host;
    if (request_.authority != *host) return refuse(400, "an authority and a host that differ");
  } else {
    request_.fields.add("host", request_.authority);
  }
  if (request_.authority.empty()) return refuse(400, "no authority");
  if (!valid_authority(request_.authority)) return refuse(400, "a malformed authority");
  if (!cookie_.empty()) request_.fields.add("cookie", cookie_);
  request_.scheme = tls ? "https" : "http";
  request_.version = Version::kHttp2;
  return std::move(request_);
}

}  // namespace cusp::http
