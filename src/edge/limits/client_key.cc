#include "edge/limits/client_key.h"

#include <algorithm>

#include "base/address.h"

namespace cusp::edge {

std::string client_key(std::string_view text) {
  auto address = parse_address(text);
  if (!address) return {};
  static const AddressBlock kIpv4 = *parse_address_block("0.0.0.0/0");
  if (!kIpv4.contains(*address)) std::fill(address->begin() + 8, address->end(), uint8_t{0});
  return {address->begin(), address->end()};
}

}  // namespace cusp::edge
