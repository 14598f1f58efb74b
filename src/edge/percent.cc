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

bool stands_in_path(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
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

std::string percent_encode_path(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (stands_in_path(text[i]) || escaped_byte(text, i) >= 0) {
      encoded += text[i];
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(text[i]));
    }
  }
  return encoded;
}

}  // namespace cusp::edge
