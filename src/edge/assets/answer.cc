#include "edge/assets/answer.h"

#include <chrono>
#include <random>

#include <fmt/format.h>

#include "edge/cache/date.h"
#include "edge/cache/range.h"
#include "edge/cache/text.h"
#include "edge/cache/validation.h"

namespace cusp::edge {

namespace {

bool any_tag_matches(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const std::string_view member = cache::take_member(list);
    if (member == "*" || (!member.empty() && cache::strong_equal(member, etag))) return true;
  }
  return false;
}

// If-Match, or without it If-Unmodified-Since (RFC 9110 section 13.2.2).
bool precondition_fails(const http::Fields& request, const Asset& asset, cache::Time now) {
  if (const auto list = request.get_all("if-match")) return !any_tag_matches(*list, asset.etag);
  const auto since = request.get("if-unmodified-since");
  const auto limit = since ? cache::parse_date(*since, now) : std::nullopt;
  const auto modified = cache::parse_date(asset.last_modified, now);
  return limit && modified && *modified > *limit;
}

AssetAnswer whole(const Asset& asset, uint16_t status, http::Fields fields) {
  AssetAnswer answer{.response = {.status = status, .fields = std::move(fields)}};
  const uint64_t size = asset.identity.size;
  if (size > 0) answer.segments.push_back({.range = {0, size}});
  return answer;
}

// Cannot be guessed, so that no file can pretend to end its part.
std::string make_boundary() {
  std::random_device random;
  return fmt::format("cusp-{:08x}{:08x}{:08x}", random(), random(), random());
}

AssetAnswer parts(const Asset& asset, const std::vector<cache::ByteRange>& ranges,
                  http::Fields fields) {
  const uint64_t size = asset.identity.size;
  AssetAnswer answer;
  if (ranges.size() == 1) {
    fields.set("content-range", cache::to_field({ranges.front(), size}));
    answer.segments.push_back({.range = ranges.front()});
  } else {
    const std::string boundary = make_boundary();
    const std::string type(fields.get("content-type").value_or("application/octet-stream"));
    for (const auto& range : ranges) {
      answer.segments.push_back(
          {.text = fmt::format("\r\n--{}\r\ncontent-type: {}\r\ncontent-range: {}\r\n\r\n",
                               boundary, type, cache::to_field({range, size}))});
      answer.segments.push_back({.range = range});
    }
    answer.segments.push_back({.text = fmt::format("\r\n--{}--\r\n", boundary)});
    fields.set("content-type", fmt::format("multipart/byteranges; boundary={}", boundary));
  }
  answer.response = {.status = 206, .fields = std::move(fields)};
  return answer;
}

}  // namespace

AssetAnswer answer_asset(const http::Request& request, const Asset& asset, uint16_t status,
                         http::Fields fields) {
  if (status != 200) return whole(asset, status, std::move(fields));
  const auto now = std::chrono::floor<cache::Time::duration>(std::chrono::system_clock::now());
  if (precondition_fails(request.fields, asset, now)) {
    return {.response = http::text_response(412, "Precondition Failed\n")};
  }
  fields.set("date", cache::format_date(std::chrono::floor<std::chrono::seconds>(now)));
  const cache::Object object{.fields = fields};
  if (cache::is_not_modified(request.fields, object, now)) {
    return {.response = {.status = 304, .fields = cache::not_modified_fields(fields)}};
  }
  const auto range = request.fields.get("range");
  if (!range || request.method != "GET" || !cache::range_counts(request.fields, object, now)) {
    return whole(asset, status, std::move(fields));
  }
  const cache::RangeRequest wanted = cache::parse_range(*range, asset.identity.size);
  switch (wanted.kind) {
    case cache::RangeRequest::Kind::kWhole: return whole(asset, status, std::move(fields));
    case cache::RangeRequest::Kind::kRanges: return parts(asset, wanted.ranges, std::move(fields));
    case cache::RangeRequest::Kind::kUnsatisfiable: break;
  }
  AssetAnswer answer{.response = http::text_response(416, "Range Not Satisfiable\n")};
  answer.response.fields.set("content-range", fmt::format("bytes */{}", asset.identity.size));
  return answer;
}

}  // namespace cusp::edge
