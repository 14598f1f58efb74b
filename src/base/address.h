#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cusp {

// An IPv4 or IPv6 address; IPv4 as its IPv4-mapped form (RFC 4291 section 2.5.5.2), so that one
// comparison serves both.
using Address = std::array<uint8_t, 16>;

// Reads "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; a zone ("%eth0") is dropped. Nothing for any
// other form: no octal, no short forms.
std::optional<Address> parse_address(std::string_view text);

// A CIDR block.
struct AddressBlock {
  Address address{};
  uint8_t prefix_bits = 128;  // counted in the 16-byte form

  bool contains(const Address& other) const;
};

// Reads "10.0.0.0/8" or "fd00::/8" or "[fd00::]/8"; bits behind the prefix are ignored.
std::optional<AddressBlock> parse_address_block(std::string_view text);

// Whether `address` lies in a range that is never public (RFC 6890 and its registry): RFC 1918,
// loopback, link-local (with 169.254.169.254), unique-local, carrier-grade NAT, multicast,
// documentation, benchmarking, unspecified, reserved; also an IPv6 form that carries such an IPv4
// address (mapped, NAT64, 6to4). What is not an address counts as private.
bool is_private_address(std::string_view address);
bool is_private_address(const Address& address);

}  // namespace cusp
