#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace cusp::node {

// SHA-256 over the parts, one after the other, as 64 hexadecimal digits.
std::string sha256_hex(std::initializer_list<std::string_view> parts);

}  // namespace cusp::node
