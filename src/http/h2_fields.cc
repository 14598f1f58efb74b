#include "http/h2_fields.h"

#include <charconv>

namespace cusp::http {

namespace {

bool belongs_to_connection(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
         name == "proxy-connection" || name == "upgrade" || name.starts_with(':');
}

std::optional<uint64_t> declared_length(const Fields& fields) {
  const auto value = fields.get("content-length");
  uint64_t length = 0;
  if (!value) return std::nullopt;
  const auto [end, error] = std::from_chars(value->begin(), value->end(), length);
  if (error != std::errc() || end != value->end()) return std::nullopt;
  return length;
}

uint8_t* bytes(std::string_view text) {
  return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
}

template <size_t kSize>
std::string_view number(std::array<char, kSize>& out, uint64_t value) {
  const auto [end, error] = std::to_chars(out.data(), out.data() + out.size(), value);
  return {out.data(), end};
}

}  // namespace

H2Fields::H2Fields(const Response& response, std::optional<uint64_t> size, std::string_view date) {
  fields_.reserve(response.fields.size() + 3);
  add_status(response.status);
  add_all(response.fields);
  if (!response.fields.get("date")) add("date", date);
  content_length_ = declared_length(response.fields);
  if (!content_length_) content_length_ = size;
  if (content_length_ && response.status != 204)
    add("content-length", number(length_, *content_length_));
}

H2Fields::H2Fields(const Request& request, std::optional<uint64_t> length) {
  fields_.reserve(request.fields.size() + 5);
  add(":method", request.method);
  add(":scheme", request.scheme);
  add(":authority", request.authority);
  add(":path", request.target);
  for (const auto [name, value] : request.fields) {
    // RFC 9113 section 8.2.2: of "te" only this may be said.
    const bool left_out = belongs_to_connection(name) || name == "host" || name == "expect" ||
                          name == "content-length" || (name == "te" && value != "trailers");
    if (!left_out) add(name, value);
  }
  if (length) add("content-length", number(length_, *length));
  if (request.expects_continue) add("expect", "100-continue");
}

H2Fields::H2Fields(uint16_t status, const Fields& fields) {
  add_status(status);
  add_all(fields);
}

H2Fields::H2Fields(const Fields& trailers) { add_all(trailers); }

void H2Fields::add(std::string_view name, std::string_view value) {
  fields_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void H2Fields::add_all(const Fields& fields) {
  for (const auto [name, value] : fields) {
    if (!belongs_to_connection(name) && name != "content-length") add(name, value);
  }
}

void H2Fields::add_status(uint16_t status) { add(":status", number(status_, status)); }

}  // namespace cusp::http
