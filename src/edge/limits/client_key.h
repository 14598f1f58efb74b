#pragma once

#include <string>
#include <string_view>

#include "base/address.h"

namespace cusp::edge {

// What counts as one client where clients are told apart by address: an IPv4 address, or the /64
// of an IPv6 one, since a single customer has at least so many (RFC 6177). 16 bytes; what is no
// address is one client, the empty text.
std::string client_key(std::string_view address);
std::string client_key(const Address& address);

}  // namespace cusp::edge
