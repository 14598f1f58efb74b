#include "edge/cache/answer.h"

#include <charconv>
#include <random>

#include <fmt/format.h>

#include "edge/cache/content_body.h"
#include "edge/cache/validation.h"

namespace cusp::edge::cache {

namespace {

constexpr size_t kAgeBytes = 32;

// The stored fields and Age, with the memory for both taken at once.
http::Fields fields_with_age(const http::Fields& stored, std::chrono::milliseconds age) {
  http::Fields fields;
  fields.reserve(stored.size() + 2, stored.byte_size() + kAgeBytes);
  fields = stored;
  char text[24];
  const auto seconds = std::chrono::floor<Seconds>(age).count();
  const auto end = std::to_chars(text, text + sizeof(text), seconds).ptr;
  fields.add("age", std::string_view(text, end));
  return fields;
}

enum class Shape : uint8_t { kWhole, kNotModified, kRanges, kUnsatisfiable };

struct Plan {
  Shape shape = Shape::kWhole;
  std::vector<ByteRange> ranges;
};

// What the client gets of a whole of `size` bytes (RFC 9110 section 13.2.2: conditions first).
Plan plan(const Object& object, const http::Request& request, std::optional<uint64_t> size,
          Time now) {
  if (is_not_modified(request.fields, object, now)) return {Shape::kNotModified, {}};
  const auto range = request.fields.get("range");
  if (!range || !size || object.status != 200 || request.method != "GET") return {};
  if (!range_counts(request.fields, object, now)) return {};
  RangeRequest wanted = parse_range(*range, *size);
  switch (wanted.kind) {
    case RangeRequest::Kind::kWhole: return {};
    case RangeRequest::Kind::kUnsatisfiable: return {Shape::kUnsatisfiable, {}};
    case RangeRequest::Kind::kRanges: return {Shape::kRanges, std::move(wanted.ranges)};
  }
  return {};
}

http::Response not_modified(const http::Fields& fields) {
  return {.status = 304, .fields = not_modified_fields(fields)};
}

http::Response unsatisfiable(uint64_t size) {
  http::Response response = http::text_response(416, "Range Not Satisfiable\n");
  response.fields.set("content-range", fmt::format("bytes */{}", size));
  return response;
}

// Cannot be guessed, so that no content can pretend to end its part.
std::string make_boundary() {
  std::random_device random;
  return fmt::format("cusp-{:08x}{:08x}{:08x}", random(), random(), random());
}

http::Response multipart(const Object& object, const std::vector<ByteRange>& ranges,
                         http::Fields fields) {
  const std::string boundary = make_boundary();
  const auto type = object.fields.get("content-type");
  Content content;
  for (const ByteRange& range : ranges) {
    std::string head = fmt::format("\r\n--{}\r\n", boundary);
    if (type) head.append("content-type: ").append(*type).append("\r\n");
    head += "content-range: " + to_field({range, object.content.size}) + "\r\n\r\n";
    content.append(std::make_shared<const std::string>(std::move(head)));
    for (const Block& block : object.content.cut(range).blocks) content.append(block);
  }
  content.append(std::make_shared<const std::string>(fmt::format("\r\n--{}--\r\n", boundary)));
  fields.set("content-type", fmt::format("multipart/byteranges; boundary={}", boundary));
  return {
      .status = 206, .fields = std::move(fields), .body = make_content_body(std::move(content))};
}

http::Response one_range(std::unique_ptr<http::Body> body, ContentRange range,
                         http::Fields fields) {
  fields.set("content-range", to_field(range));
  return {.status = 206, .fields = std::move(fields), .body = std::move(body)};
}

}  // namespace

http::Response answer(const ObjectPtr& object, const http::Request& request, Time now) {
  Plan planned = plan(*object, request, object->content.size, now);
  if (planned.shape == Shape::kUnsatisfiable) return unsatisfiable(object->content.size);
  http::Fields fields = fields_with_age(object->fields, object->freshness.age(now));
  if (planned.shape == Shape::kNotModified) return not_modified(fields);
  // Of what stays on disk several ranges come as the whole, which is an answer too.
  if (planned.shape == Shape::kRanges && (!object->file || planned.ranges.size() == 1)) {
    if (planned.ranges.size() > 1) return multipart(*object, planned.ranges, std::move(fields));
    const ByteRange range = planned.ranges.front();
    return one_range(make_content_body(object, range), {range, object->content.size},
                     std::move(fields));
  }
  http::Response response{.status = object->status, .fields = std::move(fields)};
  response.body = make_content_body(object);
  return response;
}

std::optional<ByteRange> covered(const Object& part, std::string_view range) {
  const ContentRange& held = *part.part;
  const RangeRequest wanted = parse_range(range, held.complete);
  if (wanted.kind != RangeRequest::Kind::kRanges || wanted.ranges.size() != 1) return std::nullopt;
  const ByteRange one = wanted.ranges.front();
  if (one.first < held.range.first || one.end > held.range.end) return std::nullopt;
  return one;
}

http::Response answer_part(const Object& part, ByteRange range, Time now) {
  const uint64_t first = part.part->range.first;
  return one_range(make_content_body(part.content.cut({range.first - first, range.end - first})),
                   {range, part.part->complete},
                   fields_with_age(part.fields, part.freshness.age(now)));
}

std::optional<http::Response> answer(Fill& fill, const Fill::Outcome& outcome,
                                     const http::Request& request, io::Executor executor,
                                     Time now) {
  const Object& object = *outcome.object;
  Plan planned;
  if (object.status != 206) planned = plan(object, request, outcome.length, now);
  if (planned.shape == Shape::kUnsatisfiable) return unsatisfiable(*outcome.length);
  const auto age = object.freshness.age(now);
  http::Response response{.status = object.status};
  response.fields = age >= Seconds(1) ? fields_with_age(object.fields, age) : object.fields;
  if (planned.shape == Shape::kNotModified) return not_modified(response.fields);
  std::optional<ByteRange> range;
  // Several ranges would need bytes that come later first: the whole is an answer too.
  if (planned.shape == Shape::kRanges && planned.ranges.size() == 1) {
    range = planned.ranges.front();
    response.status = 206;
    response.fields.set("content-range", to_field({*range, *outcome.length}));
  }
  response.body = fill.body(executor, outcome.length, range);
  if (!response.body) return std::nullopt;
  return response;
}

http::Response answer_not_cached() {
  return http::text_response(504, "Gateway Timeout: only-if-cached, and it is not\n");
}

}  // namespace cusp::edge::cache
