#include "edge/limits/client_key.h"

#include <algorithm>

namespace cusp::edge {

std::string client_key(const Address& address) {
  static const AddressBlock kIpv4 = *parse_address_block("0.0.0.0/0");
  std::string key(address.begin(), address.end());
  if (!kIpv4.contains(address)) std::fill(key.begin() + 8, key.end(), '\0');
  return key;
}

std::string client_key(std::string_view text) {
  const auto address = parse_address(text);
  return address ? client_key(*address) : std::string();
}

}  // namespace cusp::edge
