#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cusp::edge {

// Content codings (RFC 9110 section 8.4.1, RFC 7932, RFC 8878).
enum class Encoding : uint8_t { kIdentity, kGzip, kBrotli, kZstd };

// As it stands in Content-Encoding: "br".
std::string_view to_string(Encoding encoding);
// Also "x-gzip"; nothing for what is none of them.
std::optional<Encoding> encoding_of(std::string_view token);

// The one of `offered` that the client likes best, by its quality values; between equals, the first
// (RFC 9110 section 12.5.3). `accept` is all of its Accept-Encoding. kIdentity: none of them, or
// none liked as well as the plain bytes. A member that is malformed says nothing.
Encoding negotiate(const std::optional<std::string>& accept, std::span<const Encoding> offered);

}  // namespace cusp::edge
