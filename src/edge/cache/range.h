#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cusp::edge::cache {

// The bytes [first, end) of a representation.
struct ByteRange {
  uint64_t first = 0;
  uint64_t end = 0;
  uint64_t size() const { return end - first; }
  bool operator==(const ByteRange&) const = default;
};

// What a request's Range field comes to for a representation of `size` bytes (RFC 9110 section 14).
struct RangeRequest {
  enum class Kind : uint8_t {
    kWhole,          // no Range, one that is malformed, in another unit, or not worth granting
    kRanges,         // `ranges`, in the order in which they were asked for
    kUnsatisfiable,  // well formed, and none of it is there: 416
  };
  Kind kind = Kind::kWhole;
  std::vector<ByteRange> ranges;
};

// More ranges than kRangesMax, or ranges that overlap and ask for more bytes than there are, are an
// attack (RFC 9110 section 17.15): such a request gets the whole.
inline constexpr size_t kRangesMax = 16;
RangeRequest parse_range(std::string_view field, uint64_t size);

// One open or closed range as it was asked for, before the size is known: for what is stored in
// part. Nothing for several ranges or none.
struct RangeSpec {
  std::optional<uint64_t> first;  // nothing: the last `last` bytes
  std::optional<uint64_t> last;   // inclusive; nothing: to the end
};
std::optional<RangeSpec> parse_single_range(std::string_view field);

// "bytes 4-9/10" (RFC 9110 section 14.4). Nothing when it is malformed or the size is unknown.
struct ContentRange {
  ByteRange range;
  uint64_t complete = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view field);
std::string to_field(const ContentRange& range);

}  // namespace cusp::edge::cache
