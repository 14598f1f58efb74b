#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"

namespace cusp::app {

// Which hosts a component may reach: the `allowed_outbound_hosts` of its manifest, parsed. Denied
// by default. Entries are "scheme://host[:port]" where scheme may be "*", host a name, an IP
// address ("[::1]" for IPv6), a CIDR block, "*.domain", "*" or "self" (the app itself), and port a
// number, a range "8000..9000" (without its end, as in Spin) or "*"; the port defaults to the
// scheme's. Immutable, thread-safe.
class OutboundPolicy {
 public:
  // Errors: kInvalidArgument naming the entry and what is wrong with it.
  static Result<OutboundPolicy> create(const std::vector<std::string>& entries);

  // Whether a URL may be asked for, before its name is resolved. `scheme` is "http", "https",
  // "tcp", "udp", "redis" …
  bool allows(std::string_view scheme, std::string_view host, uint16_t port) const;

  // Whether a resolved address may be connected to, given that `host` passed allows(). Private,
  // loopback, link-local, multicast and metadata ranges (RFC 6890) are refused even for an allowed
  // name, unless an entry names such an address or block itself (an IP literal, a CIDR block, or
  // "localhost").
  bool allows_address(std::string_view scheme, std::string_view host, std::string_view address,
                      uint16_t port) const;

  // Whether the manifest has an entry for the app itself ("self", "http://self"), or for every
  // host.
  bool allows_self() const { return self_; }

 private:
  enum class HostKind : uint8_t { kAny, kSelf, kName, kSubdomains, kBlock };
  struct Entry {
    std::string scheme;  // lower case; empty: any
    HostKind kind;
    std::string host;                // kName: lower case; kSubdomains: ".example.com"
    AddressBlock block;              // kBlock; an IP literal is a block of one
    uint16_t port_first, port_last;  // both inclusive

    bool covers(std::string_view scheme, uint16_t port) const;
    bool covers_host(std::string_view host) const;
  };
  static Result<Entry> parse_entry(std::string_view text);
  static Result<> parse_host(std::string_view text, Entry& entry);

  std::vector<Entry> entries_;
  bool self_ = false;
};

// Rewrites Spin's deprecated `allowed_http_hosts` as entries of `allowed_outbound_hosts`.
std::vector<std::string> convert_http_hosts(const std::vector<std::string>& hosts);

}  // namespace cusp::app
