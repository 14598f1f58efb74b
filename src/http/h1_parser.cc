#include "http/h1_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace cusp::http {

namespace {

using std::string_view;

// What a chunk's size line may hold beyond the size itself: extensions, which nobody uses and
// attackers do.
constexpr size_t kChunkLineBytesMax = 256;

std::unexpected<SyntaxError> refuse(uint16_t status, const char* reason) {
  return std::unexpected(SyntaxError{status, reason});
}

string_view trim(string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equals_ignoring_case(string_view a, string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

// Calls `use` with each member of a comma-separated list.
template <class Use>
void for_each_member(string_view list, Use use) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (const string_view member = trim(list.substr(0, comma)); !member.empty()) use(member);
    list = comma == list.npos ? string_view() : list.substr(comma + 1);
  }
}

// The next line without its CRLF; `text` moves past it.
string_view take_line(string_view& text) {
  const size_t end = text.find("\r\n");
  const string_view line = text.substr(0, end);
  text = end == text.npos ? string_view() : text.substr(end + 2);
  return line;
}

std::expected<Fields, SyntaxError> parse_fields(string_view text, size_t fields_max) {
  Fields fields;
  fields.reserve(16, text.size());
  while (!text.empty()) {
    const string_view line = take_line(text);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') return refuse(400, "a folded field line");
    const size_t colon = line.find(':');
    if (colon == line.npos) return refuse(400, "a field line without a colon");
    const string_view name = line.substr(0, colon);
    const string_view value = trim(line.substr(colon + 1));
    if (!valid_field_name(name)) return refuse(400, "a field name with forbidden characters");
    if (!valid_field_value(value)) return refuse(400, "a field value with forbidden characters");
    if (fields.size() == fields_max) return refuse(431, "too many fields");
    fields.add(name, value);
  }
  return fields;
}

struct BodyFields {
  bool chunked = false;
  std::optional<uint64_t> length;
};

// Section 6.1 to 6.3: one framing, said once.
std::expected<BodyFields, SyntaxError> parse_framing(const Fields& fields, Version version) {
  BodyFields result;
  for (const auto [name, value] : fields) {
    if (name == "transfer-encoding") {
      if (version == Version::kHttp10) return refuse(400, "transfer-encoding in HTTP/1.0");
      if (result.chunked) return refuse(400, "transfer-encoding twice");
      if (!equals_ignoring_case(value, "chunked"))
        return refuse(501, "a transfer coding other than chunked");
      result.chunked = true;
    } else if (name == "content-length") {
      if (result.length) return refuse(400, "content-length twice");
      uint64_t length = 0;
      const auto [end, error] = std::from_chars(value.begin(), value.end(), length);
      const bool digits =
          !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
      if (!digits || error != std::errc() || end != value.end())
        return refuse(400, "a malformed content-length");
      result.length = length;
    }
  }
  if (result.chunked && result.length)
    return refuse(400, "both transfer-encoding and content-length");
  return result;
}

bool wants_keep_alive(const Fields& fields, Version version) {
  bool close = version == Version::kHttp10;
  for (const auto [name, value] : fields) {
    if (name != "connection") continue;
    for_each_member(value, [&](string_view member) {
      if (equals_ignoring_case(member, "close")) close = true;
      if (equals_ignoring_case(member, "keep-alive") && version == Version::kHttp10) close = false;
    });
  }
  return !close;
}

// Section 3.2 and RFC 3986: what a target may hold. No control characters, no spaces, no bytes
// above ASCII, no fragment.
bool valid_target(string_view target) {
  return std::ranges::all_of(target, [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\' &&
           c != '^' && c != '`' && c != '{' && c != '|' && c != '}';
  });
}

bool valid_authority(string_view authority) {
  return !authority.empty() && std::ranges::all_of(authority, [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '/' && c != '?' && c != '#' && c != '@' && c != '\\' &&
           c != '"' && c != '<' && c != '>' && c != ',';
  });
}

std::expected<void, SyntaxError> parse_target(string_view target, RequestHead& head) {
  if (target.front() == '/') {
    head.target = target;
    return {};
  }
  if (target == "*" && head.method == "OPTIONS") {
    head.target = target;
    return {};
  }
  // Absolute form: the authority in it counts, not Host (section 3.2.2).
  for (const string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() ||
        !equals_ignoring_case(target.substr(0, scheme.size()), scheme))
      continue;
    const string_view rest = target.substr(scheme.size());
    const size_t path = rest.find_first_of("/?");
    head.authority = rest.substr(0, path);
    if (!valid_authority(head.authority)) return refuse(400, "a target with a malformed authority");
    if (path == rest.npos) {
      head.target = "/";
    } else {
      head.target =
          rest[path] == '?' ? "/" + std::string(rest.substr(path)) : std::string(rest.substr(path));
    }
    return {};
  }
  if (head.method == "CONNECT") return refuse(501, "CONNECT is not served");
  return refuse(400, "a target in no known form");
}

std::expected<void, SyntaxError> parse_host(RequestHead& head) {
  std::optional<string_view> host;
  for (const auto [name, value] : head.fields) {
    if (name != "host") continue;
    if (host) return refuse(400, "host twice");
    host = value;
  }
  if (!host) {
    if (head.version == Version::kHttp11) return refuse(400, "no host");
    if (head.authority.empty()) head.authority = "localhost";
    return {};
  }
  if (!valid_authority(*host)) return refuse(400, "a malformed host");
  if (head.authority.empty()) head.authority = *host;
  return {};
}

std::expected<Version, SyntaxError> parse_version(string_view text) {
  if (text == "HTTP/1.1") return Version::kHttp11;
  if (text == "HTTP/1.0") return Version::kHttp10;
  const bool shape = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.';
  return refuse(shape ? 505 : 400,
                shape ? "a version other than HTTP/1" : "a malformed request line");
}

}  // namespace

std::expected<std::optional<size_t>, SyntaxError> find_head_end(string_view data, size_t seen,
                                                                const HeadLimits& limits) {
  // A line end may lie across the border of two reads.
  size_t at = seen > 3 ? seen - 3 : 0;
  while (at < data.size()) {
    const void* found = std::memchr(data.data() + at, '\n', data.size() - at);
    const size_t scanned =
        found == nullptr ? data.size() : static_cast<const char*>(found) - data.data();
    // A CR is only ever followed by LF; the last byte may still get its own.
    for (size_t cr = data.find('\r', at); cr < scanned; cr = data.find('\r', cr + 1)) {
      if (cr + 1 < scanned) return refuse(400, "a bare CR");
    }
    if (found == nullptr) break;
    if (scanned == 0 || data[scanned - 1] != '\r') return refuse(400, "a bare LF");
    if (scanned >= 3 && data[scanned - 2] == '\n' && data[scanned - 3] == '\r') {
      if (scanned + 1 > limits.head_bytes_max) return refuse(431, "a head over the limit");
      return scanned + 1;
    }
    at = scanned + 1;
  }
  if (data.size() > limits.head_bytes_max) {
    const bool in_first_line = data.substr(0, limits.head_bytes_max).find('\n') == data.npos;
    return refuse(in_first_line ? 414 : 431, "a head over the limit");
  }
  return std::nullopt;
}

std::expected<RequestHead, SyntaxError> parse_request_head(string_view text,
                                                           const HeadLimits& limits) {
  RequestHead head;
  const string_view line = take_line(text);
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return refuse(400, "a malformed request line");
  const string_view method = line.substr(0, first);
  const string_view target = line.substr(first + 1, last - first - 1);
  if (!valid_field_name(method)) return refuse(400, "a malformed method");
  if (target.size() > limits.target_bytes_max) return refuse(414, "a target over the limit");
  if (target.empty() || !valid_target(target))
    return refuse(400, "a target with forbidden characters");
  const auto version = parse_version(line.substr(last + 1));
  if (!version) return std::unexpected(version.error());
  head.version = *version;
  head.method = method;
  if (auto parsed = parse_target(target, head); !parsed) return std::unexpected(parsed.error());

  auto fields = parse_fields(text, limits.fields_max);
  if (!fields) return std::unexpected(fields.error());
  head.fields = std::move(*fields);
  if (auto parsed = parse_host(head); !parsed) return std::unexpected(parsed.error());
  const auto framing = parse_framing(head.fields, head.version);
  if (!framing) return std::unexpected(framing.error());
  if (framing->chunked) {
    head.framing = Framing::kChunked;
  } else if (framing->length.value_or(0) > 0) {
    head.framing = Framing::kLength;
    head.content_length = *framing->length;
  }
  head.keep_alive = wants_keep_alive(head.fields, head.version);
  if (const auto expect = head.fields.get("expect")) {
    if (!equals_ignoring_case(*expect, "100-continue"))
      return refuse(417, "an unknown expectation");
    head.expects_continue = head.version == Version::kHttp11;
  }
  return head;
}

std::expected<ResponseHead, SyntaxError> parse_response_head(string_view text,
                                                             string_view request_method,
                                                             const HeadLimits& limits) {
  ResponseHead head;
  const string_view line = take_line(text);
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return refuse(502, "a malformed status line");
  }
  const auto version = parse_version(line.substr(0, 8));
  if (!version) return refuse(502, "a response of another version");
  head.version = *version;
  const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, head.status);
  if (error != std::errc() || end != line.data() + 12 || head.status < 100 || head.status > 599) {
    return refuse(502, "a malformed status code");
  }
  auto fields = parse_fields(text, limits.fields_max);
  if (!fields) return refuse(502, fields.error().reason);
  head.fields = std::move(*fields);
  const auto framing = parse_framing(head.fields, head.version);
  if (!framing) return refuse(502, framing.error().reason);
  head.keep_alive = wants_keep_alive(head.fields, head.version);
  const bool bodyless =
      request_method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodyless) return head;
  if (framing->chunked) {
    head.framing = Framing::kChunked;
  } else if (framing->length) {
    head.framing = *framing->length > 0 ? Framing::kLength : Framing::kNone;
    head.content_length = *framing->length;
  } else {
    head.framing = Framing::kUntilClose;
    head.keep_alive = false;
  }
  return head;
}

std::expected<ChunkedDecoder::Step, SyntaxError> ChunkedDecoder::next(string_view input,
                                                                      size_t data_max) {
  switch (state_) {
    case State::kSize: return read_size(input);
    case State::kTrailers: return read_trailers(input);
    case State::kDataEnd:
      if (input.size() < 2) {
        if (!input.empty() && input[0] != '\r') return refuse(400, "a chunk longer than its size");
        return Step{};
      }
      if (!input.starts_with("\r\n")) return refuse(400, "a chunk longer than its size");
      state_ = State::kSize;
      return Step{.consumed = 2};
    case State::kData: break;
  }
  const size_t size = static_cast<size_t>(std::min<uint64_t>({left_, input.size(), data_max}));
  left_ -= size;
  if (left_ == 0) state_ = State::kDataEnd;
  return Step{.consumed = size, .data = input.substr(0, size)};
}

std::expected<ChunkedDecoder::Step, SyntaxError> ChunkedDecoder::read_size(string_view input) {
  const size_t line_end = input.find('\n');
  if (line_end == input.npos) {
    if (input.size() > kChunkLineBytesMax) return refuse(400, "a chunk size line over the limit");
    return Step{};
  }
  if (line_end > kChunkLineBytesMax) return refuse(400, "a chunk size line over the limit");
  if (line_end == 0 || input[line_end - 1] != '\r') return refuse(400, "a bare LF");
  const string_view line = input.substr(0, line_end - 1);
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.begin(), line.end(), size, 16);
  if (error != std::errc() || end == line.begin()) return refuse(400, "a malformed chunk size");
  const string_view extension(end, line.end() - end);
  if (!extension.empty() && extension.front() != ';') return refuse(400, "a malformed chunk size");
  if (!valid_field_value(trim(extension))) return refuse(400, "a malformed chunk extension");
  left_ = size;
  state_ = size == 0 ? State::kTrailers : State::kData;
  return Step{.consumed = line_end + 1};
}

std::expected<ChunkedDecoder::Step, SyntaxError> ChunkedDecoder::read_trailers(string_view input) {
  if (input.starts_with("\r\n")) return Step{.consumed = 2, .end = true};
  if (input.size() < 2) return Step{};
  const auto end = find_head_end(input, 0, limits_);
  if (!end) return std::unexpected(end.error());
  if (!*end) return Step{};
  auto fields = parse_fields(input.substr(0, **end), limits_.fields_max);
  if (!fields) return std::unexpected(fields.error());
  // A trailer that changes framing or routing after the fact is an attack (RFC 9110 section 6.5.1).
  for (const string_view name : {"transfer-encoding", "content-length", "host", "connection"}) {
    if (fields->count(name) > 0) return refuse(400, "a forbidden trailer field");
  }
  trailers_ = std::move(*fields);
  return Step{.consumed = **end, .end = true};
}

}  // namespace cusp::http
