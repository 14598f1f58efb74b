#include "edge/cache/range.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

std::optional<uint64_t> number(string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  // A number that is too large is larger than any size there is.
  if (error == std::errc::result_out_of_range && end == text.end()) return UINT64_MAX - 1;
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return std::min(value, UINT64_MAX - 1);
}

std::optional<RangeSpec> parse_spec(string_view text) {
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const string_view first = trim(text.substr(0, dash));
  const string_view last = trim(text.substr(dash + 1));
  RangeSpec spec;
  if (!first.empty() && !(spec.first = number(first))) return std::nullopt;
  if (!last.empty() && !(spec.last = number(last))) return std::nullopt;
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

// The specs after "bytes="; nothing when it is not a valid list of at most kRangesMax.
std::optional<std::vector<RangeSpec>> parse_specs(string_view field) {
  constexpr string_view kUnit = "bytes=";
  field = trim(field);
  if (!equal_ignoring_case(field.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  field.remove_prefix(kUnit.size());
  std::vector<RangeSpec> specs;
  while (!field.empty()) {
    const string_view member = take_member(field);
    if (member.empty()) continue;
    const auto spec = parse_spec(member);
    if (!spec || specs.size() == kRangesMax) return std::nullopt;
    specs.push_back(*spec);
  }
  if (specs.empty()) return std::nullopt;
  return specs;
}

std::optional<ByteRange> resolve(const RangeSpec& spec, uint64_t size) {
  if (!spec.first) {
    const uint64_t count = std::min(*spec.last, size);
    if (count == 0) return std::nullopt;
    return ByteRange{size - count, size};
  }
  if (*spec.first >= size) return std::nullopt;
  const uint64_t end = spec.last ? std::min(*spec.last, size - 1) + 1 : size;
  return ByteRange{*spec.first, end};
}

bool is_attack(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::first);
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].end) return true;
  }
  return false;
}

}  // namespace

RangeRequest parse_range(string_view field, uint64_t size) {
  const auto specs = parse_specs(field);
  if (!specs) return {};
  RangeRequest request{.kind = RangeRequest::Kind::kRanges};
  for (const RangeSpec& spec : *specs) {
    if (const auto range = resolve(spec, size)) request.ranges.push_back(*range);
  }
  if (request.ranges.empty()) return {.kind = RangeRequest::Kind::kUnsatisfiable};
  if (is_attack(request.ranges)) return {};
  return request;
}

std::optional<RangeSpec> parse_single_range(string_view field) {
  const auto specs = parse_specs(field);
  if (!specs || specs->size() != 1) return std::nullopt;
  return specs->front();
}

std::optional<ContentRange> parse_content_range(string_view field) {
  constexpr string_view kUnit = "bytes ";
  field = trim(field);
  if (!equal_ignoring_case(field.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  field.remove_prefix(kUnit.size());
  const size_t dash = field.find('-');
  const size_t slash = field.find('/');
  if (dash == field.npos || slash == field.npos || dash > slash) return std::nullopt;
  const auto first = number(field.substr(0, dash));
  const auto last = number(field.substr(dash + 1, slash - dash - 1));
  const auto complete = number(field.substr(slash + 1));
  if (!first || !last || !complete || *last < *first || *last >= *complete) return std::nullopt;
  return ContentRange{.range = {*first, *last + 1}, .complete = *complete};
}

std::string to_field(const ContentRange& range) {
  return fmt::format("bytes {}-{}/{}", range.range.first, range.range.end - 1, range.complete);
}

}  // namespace cusp::edge::cache
