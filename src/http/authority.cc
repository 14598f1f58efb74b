#include "http/authority.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace cusp::http {

namespace {

bool is_host_byte(char c) {
  constexpr std::string_view kNever = "/?#@\\\"<>,^`{|}[]:";
  return c > 0x20 && c < 0x7f && kNever.find(c) == kNever.npos;
}

bool is_address_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
         c == '.';
}

// What stands behind the host: nothing, or a colon and a port, which may be left out.
bool valid_port(std::string_view text) {
  if (text.empty()) return true;
  if (!text.starts_with(':')) return false;
  text.remove_prefix(1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (error == std::errc() && end == text.data() + text.size());
}

}  // namespace

bool valid_authority(std::string_view text) {
  const bool literal = text.starts_with('[');
  const size_t end = literal ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == text.npos) return false;
  const std::string_view host = literal ? text.substr(1, end - 1) : text.substr(0, end);
  if (host.empty() || !std::ranges::all_of(host, literal ? is_address_byte : is_host_byte)) {
    return false;
  }
  return valid_port(text.substr(literal ? end + 1 : end));
}

}  // namespace cusp::http
