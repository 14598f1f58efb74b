#include "http/h1_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <vector>

#include "http/authority.h"

namespace cusp::http {

namespace {

using std::string_view;

// Parsers that count with a sign disagree with us about anything larger.
constexpr uint64_t kLengthMax = INT64_MAX;
// What a chunk's size line may hold beyond the size itself: extensions, which nobody uses and
// attackers do.
constexpr size_t kChunkLineBytesMax = 256;

std::unexpected<SyntaxError> refuse(uint16_t status, const char* reason) {
  return std::unexpected(SyntaxError{status, reason});
}

// Visible ASCII without `forbidden`, as a table: these checks see every byte of a head.
constexpr std::array<bool, 256> visible_without(string_view forbidden) {
  std::array<bool, 256> table{};
  for (unsigned char c = 0x21; c < 0x7f; ++c) table[c] = true;
  for (const char c : forbidden) table[static_cast<unsigned char>(c)] = false;
  return table;
}

// Section 3.2 and RFC 3986, with the bytes that browsers leave unescaped in a query: \ ^ ` { | }.
constexpr auto kTargetBytes = visible_without("#\"<>");

bool only(const std::array<bool, 256>& allowed, string_view text) {
  bool good = true;
  for (const char c : text) good &= allowed[static_cast<unsigned char>(c)];
  return good;
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

std::string lower_case(string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
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

// The next line without its CRLF; `text` moves past it. In a head that find_head_end has passed, a
// CR is always followed by LF.
string_view take_line(string_view& text) {
  const void* found = std::memchr(text.data(), '\r', text.size());
  if (found == nullptr) return std::exchange(text, string_view());
  const auto size = static_cast<size_t>(static_cast<const char*>(found) - text.data());
  const string_view line = text.substr(0, size);
  text.remove_prefix(std::min(size + 2, text.size()));
  return line;
}

// What the fields of a head say about the message and its connection.
struct Facts {
  string_view host;
  size_t hosts = 0;
  bool chunked = false;
  std::optional<uint64_t> length;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool upgrades = false;  // "connection" names the field
  string_view upgrade;
  size_t upgrade_fields = 0;
  std::vector<string_view> nominated;  // the other options of "connection"
};

std::expected<void, SyntaxError> note_length(string_view value, Facts& facts) {
  if (facts.length) return refuse(400, "content-length twice");
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.begin(), value.end(), length);
  if (value.empty() || error != std::errc() || end != value.end() || length > kLengthMax) {
    return refuse(400, "a malformed content-length");
  }
  facts.length = length;
  return {};
}

void note_connection(string_view value, Facts& facts) {
  for_each_member(value, [&](string_view member) {
    if (equals_ignoring_case(member, "close")) {
      facts.close = true;
    } else if (equals_ignoring_case(member, "keep-alive")) {
      facts.keep_alive = true;
    } else if (equals_ignoring_case(member, "upgrade")) {
      facts.upgrades = true;
    } else {
      facts.nominated.push_back(member);
    }
  });
}

// Takes note of a field that means something to the session; true for one that is the connection's
// and not the message's (RFC 9110 section 7.6.1). By size first: most fields are of neither kind.
std::expected<bool, SyntaxError> note(string_view name, string_view value, Facts& facts) {
  switch (name.size()) {
    case 2: return name == "te";
    case 4:
      if (name == "host") {
        ++facts.hosts;
        facts.host = value;
      }
      return false;
    case 6:
      if (name != "expect") return false;
      if (!equals_ignoring_case(value, "100-continue"))
        return refuse(417, "an unknown expectation");
      facts.expects_continue = true;
      return true;
    case 7:
      if (name != "upgrade") return false;
      ++facts.upgrade_fields;
      facts.upgrade = value;
      return true;
    case 10:
      if (name == "connection") note_connection(value, facts);
      return name == "connection" || name == "keep-alive";
    case 14:
      if (name == "content-length") {
        if (auto noted = note_length(value, facts); !noted) return std::unexpected(noted.error());
      }
      return false;
    case 16: return name == "proxy-connection";
    case 17:
      if (name != "transfer-encoding") return false;
      if (facts.chunked) return refuse(400, "transfer-encoding twice");
      if (!equals_ignoring_case(value, "chunked")) {
        return refuse(501, "a transfer coding other than chunked");
      }
      facts.chunked = true;
      return true;
    default: return false;
  }
}

// A field that "connection" names ends at this hop too (RFC 9110 section 7.6.1). Host and framing
// are no such fields: who names them wants two parsers to differ.
std::expected<void, SyntaxError> remove_nominated(const Facts& facts, size_t fields_max,
                                                  Fields& fields) {
  if (facts.nominated.size() > fields_max) return refuse(431, "too many connection options");
  for (const string_view option : facts.nominated) {
    const std::string name = lower_case(option);
    if (name == "host" || name == "content-length" || name == "transfer-encoding") {
      return refuse(400, "a connection option that is no field of the connection");
    }
    fields.remove(name);
  }
  return {};
}

// The fields up to the empty line, or the end of `text`.
std::expected<Facts, SyntaxError> parse_fields(string_view text, size_t fields_max,
                                               Fields& fields) {
  Facts facts;
  fields.clear();
  for (size_t count = 0; !text.empty(); ++count) {
    const string_view line = take_line(text);
    if (line.empty()) break;
    if (count == fields_max) return refuse(431, "too many fields");
    const void* colon = std::memchr(line.data(), ':', line.size());
    if (colon == nullptr) return refuse(400, "a field line without a colon");
    const auto name_size = static_cast<size_t>(static_cast<const char*>(colon) - line.data());
    const string_view value = trim(line.substr(name_size + 1));
    // A folded line, or a space before the colon, is a name with a forbidden character too.
    if (!fields.try_add(line.substr(0, name_size), value)) {
      return refuse(400, "a field with forbidden characters");
    }
    const auto of_connection = note(fields[fields.size() - 1].name, value, facts);
    if (!of_connection) return std::unexpected(of_connection.error());
    if (*of_connection) fields.remove_last();
  }
  if (auto removed = remove_nominated(facts, fields_max, fields); !removed) {
    return std::unexpected(removed.error());
  }
  return facts;
}

// Section 6.1 to 6.3: one framing, said once.
std::expected<void, SyntaxError> check_framing(const Facts& facts, Version version) {
  if (!facts.chunked) return {};
  if (version == Version::kHttp10) return refuse(400, "transfer-encoding in HTTP/1.0");
  if (facts.length) return refuse(400, "both transfer-encoding and content-length");
  return {};
}

bool wants_keep_alive(const Facts& facts, Version version) {
  return !facts.close && (version == Version::kHttp11 || facts.keep_alive);
}

// The one protocol to switch to (RFC 9110 section 7.8), in lower case; empty when there is none or
// several. Never HTTP/2: a proxy that let it through would pass on requests that it has not seen.
std::string protocol_of(const Facts& facts) {
  if (!facts.upgrades || facts.upgrade_fields != 1) return {};
  std::string protocol = lower_case(facts.upgrade);
  return valid_protocol(protocol) && protocol != "h2c" ? protocol : std::string();
}

// Absolute form: the authority in it counts, not Host (section 3.2.2).
std::expected<void, SyntaxError> parse_absolute_target(string_view target, Request& request) {
  for (const string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const string_view rest = target.substr(scheme.size());
    const size_t path = rest.find_first_of("/?");
    request.authority = rest.substr(0, path);
    if (!valid_authority(request.authority)) {
      return refuse(400, "a target with a malformed authority");
    }
    request.target = path == rest.npos || rest[path] == '?' ? "/" : "";
    if (path != rest.npos) request.target.append(rest.substr(path));
    return {};
  }
  return refuse(400, "a target in no known form");
}

std::expected<void, SyntaxError> parse_target(string_view target, Request& request) {
  request.authority.clear();
  if (request.method == "CONNECT") return refuse(501, "CONNECT is not served");
  if (target.front() == '/' || (target == "*" && request.method == "OPTIONS")) {
    request.target = target;
    return {};
  }
  return parse_absolute_target(target, request);
}

std::expected<Version, SyntaxError> parse_version(string_view text) {
  if (text == "HTTP/1.1") return Version::kHttp11;
  if (text == "HTTP/1.0") return Version::kHttp10;
  const bool shape = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.';
  return refuse(shape ? 505 : 400,
                shape ? "a version other than HTTP/1" : "a malformed request line");
}

std::expected<void, SyntaxError> parse_request_line(string_view line, const HeadLimits& limits,
                                                    Request& request) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return refuse(400, "a malformed request line");
  const string_view method = line.substr(0, first);
  const string_view target = line.substr(first + 1, last - first - 1);
  if (!valid_field_name(method)) return refuse(400, "a malformed method");
  if (target.size() > limits.target_bytes_max) return refuse(414, "a target over the limit");
  if (target.empty() || !only(kTargetBytes, target)) {
    return refuse(400, "a target with forbidden characters");
  }
  const auto version = parse_version(line.substr(last + 1));
  if (!version) return std::unexpected(version.error());
  request.version = *version;
  request.method = method;
  return parse_target(target, request);
}

std::expected<void, SyntaxError> check_host(const Facts& facts, Request& request) {
  if (facts.hosts > 1) return refuse(400, "host twice");
  if (facts.hosts == 0) {
    if (request.version == Version::kHttp11) return refuse(400, "no host");
    if (request.authority.empty()) request.authority = "localhost";
    return {};
  }
  if (!valid_authority(facts.host)) return refuse(400, "a malformed host");
  if (request.authority.empty()) request.authority = facts.host;
  return {};
}

}  // namespace

bool valid_protocol(string_view protocol) {
  const size_t slash = std::min(protocol.find('/'), protocol.size());
  return valid_field_name(protocol.substr(0, slash)) &&
         (slash == protocol.size() || valid_field_name(protocol.substr(slash + 1)));
}

std::expected<std::optional<size_t>, SyntaxError> find_head_end(string_view data, size_t seen,
                                                                const HeadLimits& limits) {
  // A line end may lie across the border of two reads.
  size_t at = seen > 3 ? seen - 3 : 0;
  while (at < data.size()) {
    const void* found = std::memchr(data.data() + at, '\r', data.size() - at);
    if (found == nullptr) break;
    const auto cr = static_cast<size_t>(static_cast<const char*>(found) - data.data());
    if (cr + 1 == data.size()) return std::nullopt;
    if (data[cr + 1] != '\n') return refuse(400, "a bare CR");
    if (cr >= 2 && data[cr - 1] == '\n' && data[cr - 2] == '\r') {
      if (cr + 2 > limits.head_bytes_max) return refuse(431, "a head over the limit");
      return cr + 2;
    }
    at = cr + 2;
  }
  // A line feed inside a line is found when that is parsed. This is for those who send no CR at all
  // and would wait for an answer.
  for (size_t lf = data.find('\n', at); lf != data.npos; lf = data.find('\n', lf + 1)) {
    if (lf == 0 || data[lf - 1] != '\r') return refuse(400, "a bare LF");
  }
  if (data.size() > limits.head_bytes_max) {
    const bool in_first_line = data.substr(0, limits.head_bytes_max).find('\n') == data.npos;
    return refuse(in_first_line ? 414 : 431, "a head over the limit");
  }
  return std::nullopt;
}

std::expected<RequestFraming, SyntaxError> parse_request_head(string_view text,
                                                              const HeadLimits& limits,
                                                              Request& request) {
  if (auto parsed = parse_request_line(take_line(text), limits, request); !parsed) {
    return std::unexpected(parsed.error());
  }
  const auto facts = parse_fields(text, limits.fields_max, request.fields);
  if (!facts) return std::unexpected(facts.error());
  if (auto good = check_host(*facts, request); !good) return std::unexpected(good.error());
  if (auto good = check_framing(*facts, request.version); !good) {
    return std::unexpected(good.error());
  }
  RequestFraming framing;
  if (facts->chunked) {
    framing.framing = Framing::kChunked;
  } else if (facts->length.value_or(0) > 0) {
    framing.framing = Framing::kLength;
    framing.content_length = *facts->length;
  }
  request.upgrade.clear();
  if (facts->upgrades && request.version == Version::kHttp11 && framing.framing == Framing::kNone)
    request.upgrade = protocol_of(*facts);
  framing.keep_alive = wants_keep_alive(*facts, request.version);
  framing.expects_continue = facts->expects_continue && request.version == Version::kHttp11;
  return framing;
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
  if (line.find('\n') != line.npos) return refuse(502, "a malformed status line");
  const auto facts = parse_fields(text, limits.fields_max, head.fields);
  if (!facts) return refuse(502, facts.error().reason);
  if (auto good = check_framing(*facts, head.version); !good) {
    return refuse(502, good.error().reason);
  }
  head.keep_alive = wants_keep_alive(*facts, head.version);
  if (head.status == 101 && head.version == Version::kHttp11) head.upgrade = protocol_of(*facts);
  const bool bodyless =
      request_method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodyless) return head;
  if (facts->chunked) {
    head.framing = Framing::kChunked;
  } else if (facts->length) {
    head.framing = *facts->length > 0 ? Framing::kLength : Framing::kNone;
    head.content_length = *facts->length;
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
  if (error != std::errc() || end == line.begin() || size > kLengthMax) {
    return refuse(400, "a malformed chunk size");
  }
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
  Fields fields;
  const auto facts = parse_fields(input.substr(0, **end), limits_.fields_max, fields);
  if (!facts) return std::unexpected(facts.error());
  // A trailer that changes framing or routing after the fact is an attack (RFC 9110 section 6.5.1).
  if (facts->chunked || facts->length || facts->hosts > 0) {
    return refuse(400, "a forbidden trailer field");
  }
  trailers_ = std::move(fields);
  return Step{.consumed = **end, .end = true};
}

}  // namespace cusp::http
