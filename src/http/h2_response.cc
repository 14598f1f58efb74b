#include "http/h2_response.h"

#include <charconv>

namespace cusp::http {

namespace {

bool belongs_to_connection(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
         name == "proxy-connection" || name == "upgrade" || name.starts_with(':');
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
  if (size && !response.fields.get("content-length")) add("content-length", number(length_, *size));
}

H2Fields::H2Fields(uint16_t status) { add_status(status); }

H2Fields::H2Fields(const Fields& trailers) { add_all(trailers); }

void H2Fields::add(std::string_view name, std::string_view value) {
  fields_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void H2Fields::add_all(const Fields& fields) {
  for (const auto [name, value] : fields) {
    if (!belongs_to_connection(name)) add(name, value);
  }
}

void H2Fields::add_status(uint16_t status) { add(":status", number(status_, status)); }

}  // namespace cusp::http
