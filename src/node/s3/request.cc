#include "node/s3/request.h"

#include <algorithm>

namespace cusp::node::s3 {

namespace {

constexpr size_t kParametersMax = 100;

int digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

std::unexpected<Failure> broken() {
  return refuse(400, "InvalidURI", "Couldn't parse the specified URI.");
}

Answer<Query> parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (one.empty()) continue;
    if (query.size() == kParametersMax) return broken();
    const size_t equals = std::min(one.find('='), one.size());
    auto name = uri_decode(one.substr(0, equals));
    auto value = uri_decode(one.substr(std::min(one.size(), equals + 1)));
    if (!name || !value) return broken();
    query.emplace_back(std::move(*name), std::move(*value));
  }
  std::ranges::sort(query);
  return query;
}

}  // namespace

Answer<std::string> uri_decode(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      bytes += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1;
    const int low = high >= 0 ? digit(text[at + 2]) : -1;
    if (low < 0) return broken();
    bytes += static_cast<char>(high << 4 | low);
    at += 2;
  }
  return bytes;
}

const std::string* Target::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(query, [&](const auto& one) { return one.first == name; });
  return found == query.end() ? nullptr : &found->second;
}

std::string_view Target::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : *value;
}

Answer<Target> parse_target(const http::Request& request, std::string_view domain) {
  const std::string_view raw = request.target;
  if (!raw.starts_with('/')) return broken();
  const size_t question = std::min(raw.find('?'), raw.size());
  Target target;
  CUSP_TRY(target.path, uri_decode(raw.substr(0, question)));
  CUSP_TRY(target.query, parse_query(raw.substr(std::min(raw.size(), question + 1))));
  const std::string_view host =
      std::string_view(request.authority).substr(0, request.authority.find(':'));
  std::string_view rest = std::string_view(target.path).substr(1);
  if (!domain.empty() && host.size() > domain.size() + 1 && host.ends_with(domain) &&
      host[host.size() - domain.size() - 1] == '.') {
    target.bucket = host.substr(0, host.size() - domain.size() - 1);
    target.key = rest;
    return target;
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  target.bucket = rest.substr(0, slash);
  target.key = rest.substr(std::min(rest.size(), slash + 1));
  return target;
}

std::string uri_encode(std::string_view text, bool keep_slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char byte : text) {
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' ||
                       byte == '~' || (keep_slashes && byte == '/');
    if (plain) {
      result += byte;
    } else {
      result += '%';
      result += kDigits[static_cast<unsigned char>(byte) >> 4];
      result += kDigits[static_cast<unsigned char>(byte) & 0xF];
    }
  }
  return result;
}

}  // namespace cusp::node::s3
