#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <vector>

namespace cusp {
namespace {

constexpr uint8_t kMappedBits = 96;
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kAddressTextMax = INET6_ADDRSTRLEN;

Address map_v4(const uint8_t* bytes) {
  Address address{};
  std::ranges::copy(kMappedPrefix, address.begin());
  std::copy_n(bytes, 4, address.begin() + kMappedPrefix.size());
  return address;
}

// IANA's special-purpose registries, with multicast and reserved space. Of IPv6 only what lies in
// the global unicast block is listed: nothing outside of it is public.
constexpr std::string_view kPrivateBlocks[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "2001::/23",     "2001:db8::/32",   "3fff::/20"};
constexpr std::string_view kGlobalUnicast = "2000::/3";
constexpr std::string_view kIpv4 = "0.0.0.0/0";

// Where in an IPv6 address of a block an IPv4 address stands that the network would reach: NAT64
// (RFC 6052) and 6to4 (RFC 3056).
struct Carrier {
  AddressBlock block;
  size_t offset;
};

struct Ranges {
  std::vector<AddressBlock> blocks;
  AddressBlock global_unicast = *parse_address_block(kGlobalUnicast);
  AddressBlock ipv4 = *parse_address_block(kIpv4);
  std::array<Carrier, 2> carriers{Carrier{*parse_address_block("64:ff9b::/96"), 12},
                                  Carrier{*parse_address_block("2002::/16"), 2}};
};

const Ranges& ranges() {
  static const Ranges parsed = [] {
    Ranges result;
    for (std::string_view text : kPrivateBlocks) {
      result.blocks.push_back(*parse_address_block(text));
    }
    return result;
  }();
  return parsed;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  }
  text = text.substr(0, text.find('%'));
  if (text.empty() || text.size() >= kAddressTextMax) return std::nullopt;
  char terminated[kAddressTextMax] = {};
  std::ranges::copy(text, terminated);
  uint8_t v4[4];
  if (inet_pton(AF_INET, terminated, v4) == 1) return map_v4(v4);
  Address v6;
  if (inet_pton(AF_INET6, terminated, v6.data()) == 1) return v6;
  return std::nullopt;
}

bool AddressBlock::contains(const Address& other) const {
  size_t whole = prefix_bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
  unsigned rest = prefix_bits % 8;
  if (rest == 0) return true;
  unsigned mask = 0xff00u >> rest;
  return ((address[whole] ^ other[whole]) & mask & 0xff) == 0;
}

std::optional<AddressBlock> parse_address_block(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto address = parse_address(text.substr(0, slash));
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  auto [parsed_end, status] = std::from_chars(text.data() + slash + 1, end, bits);
  if (!address || status != std::errc{} || parsed_end != end) return std::nullopt;
  bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  if (bits > (is_v4 ? 32u : 128u)) return std::nullopt;
  return AddressBlock{*address, static_cast<uint8_t>(is_v4 ? kMappedBits + bits : bits)};
}

bool is_private_address(const Address& address) {
  for (const Carrier& carrier : ranges().carriers) {
    if (!carrier.block.contains(address)) continue;
    return is_private_address(map_v4(address.data() + carrier.offset));
  }
  if (!ranges().ipv4.contains(address) && !ranges().global_unicast.contains(address)) return true;
  return std::ranges::any_of(ranges().blocks,
                             [&](const AddressBlock& block) { return block.contains(address); });
}

bool is_private_address(std::string_view address) {
  auto parsed = parse_address(address);
  return !parsed || is_private_address(*parsed);
}

}  // namespace cusp
