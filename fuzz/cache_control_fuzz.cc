#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "edge/cache/date.h"
#include "edge/cache/directives.h"
#include "edge/cache/key.h"
#include "edge/cache/object_codec.h"
#include "edge/cache/range.h"
#include "edge/cache/structured.h"
#include "edge/cache/text.h"
#include "edge/cache/vary.h"

// What the cache reads of messages and files: directives, structured fields, dates, ranges, keys.
// Beside memory errors it looks for answers that are not safe to build on.
namespace {

using namespace cusp::edge::cache;

const Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);

void check_directives(std::string_view text) {
  cusp::http::Fields fields;
  fields.add("cache-control", text);
  fields.add("cdn-cache-control", text);
  fields.add("surrogate-control", text);
  const Directives directives = parse_cache_control(fields);
  for (const auto& delta : {directives.max_age, directives.s_maxage, directives.max_stale}) {
    CUSP_ASSERT(!delta || (*delta >= Seconds(0) && *delta <= kDeltaMax));
  }
  static_cast<void>(parse_targeted(fields, "cdn-cache-control"));
  static_cast<void>(parse_surrogate_control(fields, "cusp"));
  static_cast<void>(parse_dictionary(structured_string(text)));
}

void check_date(std::string_view text) {
  const auto date = parse_date(text, kNow);
  if (date) CUSP_ASSERT(parse_date(format_date(*date), kNow) == date);
}

void check_range(std::string_view text, uint64_t size) {
  const RangeRequest request = parse_range(text, size);
  uint64_t bytes = 0;
  for (const ByteRange& range : request.ranges) {
    CUSP_ASSERT(range.first < range.end && range.end <= size);
    bytes += range.size();
  }
  CUSP_ASSERT(bytes <= size && request.ranges.size() <= kRangesMax);
  if (const auto range = parse_content_range(text)) {
    CUSP_ASSERT(range->range.first < range->range.end && range->range.end <= range->complete);
  }
}

void check_vary(std::string_view text) {
  cusp::http::Fields request;
  request.add("accept-language", text);
  request.add("foo", text);
  cusp::http::Fields response;
  response.add("vary", "accept-language, foo");
  const auto variance = variance_of(request, response);
  CUSP_ASSERT(variance && variance->matches(request));
  response.set("vary", text);
  static_cast<void>(variance_of(request, response));
}

void check_key(std::string_view text) {
  const size_t half = text.size() / 2;
  cusp::http::Request request{.scheme = "https",
                              .authority = std::string(text.substr(0, half)),
                              .target = std::string(text.substr(half))};
  const Policy policy{.query_ignore = {"u*"}, .query_sort = true, .variance = {"foo"}};
  const Address address = address_of(request, policy);
  const std::string key = make_key(request, address, policy);
  // Normalising what is normal changes nothing.
  request.target = address.target();
  CUSP_ASSERT(make_key(request, address_of(request, policy), policy) == key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  check_directives(text);
  check_date(text);
  check_range(text, bytes[0]);
  check_vary(text);
  check_key(text);
  static_cast<void>(decode_header(text));
  static_cast<void>(decode_meta(text));
  static_cast<void>(matches_wildcard(text.substr(0, text.size() / 2), text));
  return 0;
}
