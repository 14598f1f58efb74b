#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::app {

// Which hosts a component may reach: the `allowed_outbound_hosts` of its manifest, parsed. Denied
// by default. Entries are "scheme://host[:port]" where scheme may be "*", host a name, an IP
// address, a CIDR block,
// "*.domain" or "*", "self" (the app itself), and port a number, a range "8000..9000" or "*"; the
// port defaults to the scheme's. Immutable, thread-safe.
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

  // Whether the manifest has an entry for the app itself ("self", "http://self").
  bool allows_self() const { return self_; }

 private:
  struct Entry;
  std::vector<Entry> entries_;
  bool self_ = false;
};

// Whether `address` lies in a range that is never public: RFC 1918, loopback, link-local (with
// 169.254.169.254), unique-local, carrier-grade NAT, multicast, documentation, unspecified,
// IPv4-mapped forms of all of these.
bool is_private_address(std::string_view address);

}  // namespace cusp::app
