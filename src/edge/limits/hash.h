#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cusp::edge {

// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash under a key. Who does not know the key cannot
// find inputs that meet.
using HashKey = std::array<uint64_t, 2>;

// From the operating system's random numbers.
HashKey random_hash_key();

uint64_t keyed_hash(const HashKey& key, std::string_view data);

}  // namespace cusp::edge
