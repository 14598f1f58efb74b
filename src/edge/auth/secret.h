#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/table_reader.h"

namespace cusp::edge {

// A secret as configuration names it: the text itself, { env = "NAME" }, or { file = "path" }, of
// which white space at the end is no part. Problems are reported through the value; the secret is
// never part of a message. Relative paths start at `directory`.
std::optional<std::string> read_secret(const Value& value, const std::string& directory);

// Takes as long for every `a` of the same length, so that time tells nothing about `b`.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// The bytes of the digests (FIPS 180-4, RFC 2104).
std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);

// As many bytes that nobody can guess.
std::string random_bytes(size_t count);

}  // namespace cusp::edge
