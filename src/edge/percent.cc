#include "edge/percent.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace cusp::edge {

namespace {

// The byte that "%41" at `at` stands for; negative: no escape stands there.
int escaped_byte(std::string_view text, size_t at) {
  if (text[at] != '%' || at + 3 > text.size()) return -1;
  unsigned value = 0;
  const char* end = text.data() + at + 3;
  const auto [parsed_end, status] = std::from_chars(end - 2, end, value, 16);
  return status == std::errc{} && parsed_end == end ? static_cast<int>(value) : -1;
}

constexpr std::string_view kPathMarks = "-._~!$&'()*+,;=:@/";
constexpr std::string_view kQueryMarks = "-._~!$&'()*+,;=:@/?";

std::string encode(std::string_view text, std::string_view marks) {
  std::string encoded;
  encoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool stands = std::isalnum(byte) != 0 || marks.contains(text[i]);
    if (stands || escaped_byte(text, i) >= 0) {
      encoded += text[i];
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace

std::string percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = escaped_byte(text, i);
    decoded += byte < 0 ? text[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return decoded;
}

std::string form_decode(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced);
}

std::string percent_encode_path(std::string_view text) { return encode(text, kPathMarks); }

std::string percent_encode_query(std::string_view text) { return encode(text, kQueryMarks); }

}  // namespace cusp::edge
