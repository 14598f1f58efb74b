#include "app/outbound.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>

#include "app/identifiers.h"

namespace cusp::app {
namespace {

constexpr std::string_view kAllowAllHosts = "insecure:allow-all";
constexpr std::string_view kForm =
    "; an entry has the form scheme://host[:port], such as \"https://api.example.com\"";

struct SchemePort {
  std::string_view scheme;
  uint16_t port;
};
constexpr std::array kSchemePorts{SchemePort{"http", 80},       SchemePort{"https", 443},
                                  SchemePort{"postgres", 5432}, SchemePort{"mysql", 3306},
                                  SchemePort{"redis", 6379},    SchemePort{"mqtt", 1883},
                                  SchemePort{"mqtts", 8883}};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || status != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

struct PortRange {
  uint16_t first = 0;
  uint16_t last = std::numeric_limits<uint16_t>::max();
};

Result<PortRange> parse_ports(std::string_view text, std::string_view scheme) {
  if (text == "*") return PortRange{};
  if (text.empty()) {
    auto known = std::ranges::find(kSchemePorts, scheme, &SchemePort::scheme);
    if (known != kSchemePorts.end()) return PortRange{known->port, known->port};
    return refuse(
        fmt::format("it needs a port, since the scheme '{}' has no default one; write "
                    "\":*\" for every port",
                    scheme));
  }
  size_t dots = text.find("..");
  auto first = parse_port(text.substr(0, dots));
  if (dots == std::string_view::npos) {
    if (!first) return refuse(fmt::format("'{}' is not a port", text));
    return PortRange{*first, *first};
  }
  auto end = parse_port(text.substr(dots + 2));
  if (!first || !end || *first >= *end) {
    return refuse(fmt::format("'{}' is not a port range such as 8000..9000", text));
  }
  return PortRange{*first, static_cast<uint16_t>(*end - 1)};
}

// Splits "host[:port]". The colons of an IPv6 address or block are part of the host, and a single
// slash may end the entry.
struct HostPort {
  std::string_view host;
  std::string_view port;
};
HostPort split_port(std::string_view text) {
  if (parse_address_block(text)) return {text, {}};
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']') || text.ends_with("]/")) {
    return {text, {}};
  }
  std::string_view port = text.substr(colon + 1);
  if (port.ends_with('/')) port.remove_suffix(1);
  return {text.substr(0, colon), port};
}

// Whether a name would be read as an IPv4 address by some resolvers: its last label is a number.
bool ends_in_number(std::string_view name) {
  std::string_view label = name.substr(name.rfind('.') + 1);
  return !label.empty() &&
         std::ranges::all_of(label, [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

Result<> OutboundPolicy::parse_host(std::string_view text, Entry& entry) {
  text = trim(text);
  if (text == "*") {
    entry.kind = HostKind::kAny;
  } else if (text == "self" || text == "self.alt") {
    entry.kind = HostKind::kSelf;
  } else if (auto block = parse_address_block(text)) {
    entry.kind = HostKind::kBlock;
    entry.block = *block;
  } else {
    if (text.ends_with('/')) text.remove_suffix(1);
    if (text == "self") return parse_host(text, entry);
    auto address = parse_address(text);
    if (address && (text.starts_with('[') || text.find(':') == std::string_view::npos)) {
      entry.kind = HostKind::kBlock;
      entry.block = {*address};
      return {};
    }
    if (text.find('/') != std::string_view::npos) return refuse("it must not have a path");
    bool is_wildcard = text.starts_with("*.");
    if (auto problem = check_host_pattern(text); !problem.empty() || ends_in_number(text)) {
      return refuse(fmt::format("'{}' is not a host: {}", text,
                                problem.empty() ? "it is not an IP address either" : problem));
    }
    entry.kind = is_wildcard ? HostKind::kSubdomains : HostKind::kName;
    entry.host = lower(is_wildcard ? text.substr(1) : text);
  }
  return {};
}

Result<OutboundPolicy::Entry> OutboundPolicy::parse_entry(std::string_view text) {
  text = trim(text);
  Entry entry{.port_last = std::numeric_limits<uint16_t>::max()};
  if (text == "self") {
    entry.kind = HostKind::kSelf;
    return entry;
  }
  size_t separator = text.find("://");
  if (separator == std::string_view::npos) {
    return refuse("it has no scheme" + std::string(kForm));
  }
  entry.scheme = lower(text.substr(0, separator));
  bool is_alphabetic =
      std::ranges::all_of(entry.scheme, [](unsigned char c) { return std::isalpha(c); });
  if (entry.scheme.empty() || (entry.scheme != "*" && !is_alphabetic)) {
    return refuse(fmt::format("'{}' is not a scheme", entry.scheme));
  }
  auto [host, port] = split_port(text.substr(separator + 3));
  CUSP_CHECK(parse_host(host, entry));
  bool any_port = port.empty() && entry.kind == HostKind::kSelf;
  CUSP_TRY(PortRange ports, parse_ports(any_port ? "*" : port, entry.scheme));
  entry.port_first = ports.first;
  entry.port_last = ports.last;
  if (entry.scheme == "*") entry.scheme.clear();
  return entry;
}

Result<OutboundPolicy> OutboundPolicy::create(const std::vector<std::string>& entries) {
  OutboundPolicy policy;
  for (const std::string& text : entries) {
    auto entry = parse_entry(text);
    if (!entry) {
      return refuse(fmt::format("'{}' in allowed_outbound_hosts is malformed: {}", text,
                                entry.error().message));
    }
    bool is_http = entry->scheme.empty() || entry->scheme.starts_with("http");
    policy.self_ |= is_http && (entry->kind == HostKind::kSelf || entry->kind == HostKind::kAny);
    policy.entries_.push_back(std::move(*entry));
  }
  return policy;
}

bool OutboundPolicy::Entry::covers(std::string_view asked_scheme, uint16_t port) const {
  return (scheme.empty() || scheme == asked_scheme) && port >= port_first && port <= port_last;
}

bool OutboundPolicy::Entry::covers_host(std::string_view asked) const {
  switch (kind) {
    case HostKind::kAny: return true;
    case HostKind::kSelf: return false;  // allows_self() answers for it
    case HostKind::kName: return asked == host;
    case HostKind::kSubdomains: return asked.size() > host.size() && asked.ends_with(host);
    case HostKind::kBlock: {
      auto address = parse_address(asked);
      return address && block.contains(*address);
    }
  }
  return false;
}

bool OutboundPolicy::allows(std::string_view scheme, std::string_view host, uint16_t port) const {
  std::string asked_scheme = lower(scheme);
  std::string asked_host = lower(host);
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.covers(asked_scheme, port) && entry.covers_host(asked_host);
  });
}

bool OutboundPolicy::allows_address(std::string_view scheme, std::string_view host,
                                    std::string_view address, uint16_t port) const {
  auto parsed = parse_address(address);
  if (!parsed) return false;
  if (!is_private_address(*parsed)) return true;
  static const AddressBlock kLoopbackV4 = *parse_address_block("127.0.0.0/8");
  static const Address kLoopbackV6 = *parse_address("::1");
  bool is_loopback = kLoopbackV4.contains(*parsed) || *parsed == kLoopbackV6;
  std::string asked_scheme = lower(scheme);
  bool asks_localhost = lower(host) == "localhost";
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    if (!entry.covers(asked_scheme, port)) return false;
    if (entry.kind == HostKind::kBlock) return entry.block.contains(*parsed);
    return entry.kind == HostKind::kName && entry.host == "localhost" && asks_localhost &&
           is_loopback;
  });
}

std::vector<std::string> convert_http_hosts(const std::vector<std::string>& hosts) {
  if (std::ranges::find(hosts, kAllowAllHosts) != hosts.end()) {
    return {"http://*:*", "https://*:*", "http://self"};
  }
  std::vector<std::string> entries;
  for (const std::string& host : hosts) {
    std::string_view name = host;
    for (std::string_view scheme : {"http://", "https://"}) {
      if (name.starts_with(scheme)) name.remove_prefix(scheme.size());
    }
    entries.push_back(fmt::format("http://{}", name));
    if (name != "self") entries.push_back(fmt::format("https://{}", name));
  }
  return entries;
}

}  // namespace cusp::app
