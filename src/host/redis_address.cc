#include "host/redis_address.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace cusp::host {

namespace {

constexpr size_t kAddressBytesMax = 2048;
constexpr size_t kHostBytesMax = 253;  // RFC 1035 section 2.3.4

std::unexpected<Error> invalid(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument,
              "not the address of a Redis server: " + std::string(what) +
                  "; it has the form redis://[[user]:password@]host[:port][/database]");
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return !text.empty() && error == std::errc() && end == text.end();
}

std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned char byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.end()) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= kHostBytesMax &&
         std::ranges::all_of(host, [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == ':';
         });
}

}  // namespace

Result<RedisAddress> RedisAddress::parse(std::string_view text) {
  RedisAddress address;
  const size_t separator = text.find("://");
  if (text.size() > kAddressBytesMax || separator == text.npos) return invalid("it has no scheme");
  address.scheme = text.substr(0, separator);
  if (address.scheme != "redis" && address.scheme != "rediss") {
    return invalid("its scheme is not redis or rediss");
  }
  text.remove_prefix(separator + 3);
  if (const size_t slash = text.find('/'); slash != text.npos) {
    const std::string_view database = text.substr(slash + 1);
    if (!database.empty() && !parse_number(database, address.database)) {
      return invalid("its database is not a number");
    }
    text = text.substr(0, slash);
  }
  if (const size_t at = text.rfind('@'); at != text.npos) {
    const std::string_view credentials = text.substr(0, at);
    const size_t colon = credentials.find(':');
    if (colon == credentials.npos) return invalid("it has a user without a password");
    const auto user = decode(credentials.substr(0, colon));
    const auto password = decode(credentials.substr(colon + 1));
    if (!user || !password) return invalid("its credentials are not percent-encoded");
    address.user = *user;
    address.password = *password;
    text.remove_prefix(at + 1);
  }
  const bool bracketed = text.starts_with('[');
  const size_t host_end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (host_end == text.npos) return invalid("its host has no closing bracket");
  const std::string_view host = text.substr(bracketed, host_end - bracketed);
  const std::string_view rest = text.substr(host_end + bracketed);
  if (!is_host(host)) return invalid("it has no host");
  if (!rest.empty() && (rest[0] != ':' || !parse_number(rest.substr(1), address.port))) {
    return invalid("its port is not a number up to 65535");
  }
  address.host = host;
  std::ranges::transform(address.host, address.host.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  return address;
}

}  // namespace cusp::host
