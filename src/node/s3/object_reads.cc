#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "edge/cache/date.h"
#include "edge/cache/range.h"
#include "io/asio.h"
#include "node/s3/checksums.h"
#include "node/s3/conditions.h"
#include "node/s3/operation.h"

namespace cusp::node::s3 {

namespace {

namespace object = store::object;
using edge::cache::ByteRange;

// Fields of the answer that the signer of a URL may set.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOverrides{{
    {"response-content-type", "content-type"},
    {"response-content-language", "content-language"},
    {"response-expires", "expires"},
    {"response-cache-control", "cache-control"},
    {"response-content-disposition", "content-disposition"},
    {"response-content-encoding", "content-encoding"},
}};

class ObjectBody final : public http::Body {
 public:
  // `first`: the bytes at the beginning of the range.
  ObjectBody(object::Object object, ByteRange range, std::string first)
      : object_(std::move(object)), left_(range), first_(std::move(first)) {}

  io::Task<Result<http::BodyPart>> read() override {
    std::string bytes = std::exchange(first_, {});
    if (bytes.empty() && left_.size() > 0) {
      const uint64_t most = std::min<uint64_t>(left_.size(), limits::kBodyChunkBytes);
      CUSP_CO_TRY(bytes, co_await object_.read(left_.first, most));
      if (bytes.empty()) {
        co_return fail(ErrorCode::kDataLoss, "an object ends before its size");
      }
    }
    left_.first += bytes.size();
    co_return http::BodyPart{.data = std::move(bytes), .end = left_.size() == 0};
  }
  bool ready() override { return !first_.empty(); }
  std::optional<uint64_t> size() const override { return left_.size(); }

 private:
  object::Object object_;
  ByteRange left_;
  std::string first_;
};

// Which bytes of the object are asked for; nothing: all.
struct Wanted {
  std::optional<ByteRange> range;
};

Answer<Wanted> wanted_part(const Target& target, const object::Head& head) {
  CUSP_TRY(const uint64_t number,
           number_parameter(target, "partNumber", 0, limits::kObjectPartsMax));
  if (number == 0 || number > head.contents.size()) {
    return refuse(416, "InvalidPartNumber", "The requested partnumber is not satisfiable");
  }
  ByteRange range;
  for (size_t at = 0; at + 1 < number; ++at) range.first += head.contents[at].size;
  range.end = range.first + head.contents[number - 1].size;
  return Wanted{range};
}

Answer<Wanted> wanted(const Operation& operation, const object::Head& head) {
  const auto field = operation.request.fields.get("range");
  if (operation.target.has("partNumber")) return wanted_part(operation.target, head);
  if (!field) return Wanted{};
  const auto ranges = edge::cache::parse_range(*field, head.size);
  if (ranges.kind == edge::cache::RangeRequest::Kind::kUnsatisfiable) {
    return refuse(416, "InvalidRange", "The requested range is not satisfiable");
  }
  // Several ranges are answered with the whole, as Amazon S3 does.
  if (ranges.ranges.size() != 1) return Wanted{};
  return Wanted{ranges.ranges.front()};
}

void describe(const Operation& operation, const object::Head& head, http::Fields& fields) {
  fields.add("etag", quoted(head.etag));
  fields.add("last-modified",
             edge::cache::format_date(std::chrono::floor<std::chrono::seconds>(head.modified)));
  fields.add("accept-ranges", "bytes");
  for (const auto& [name, value] : head.fields) fields.try_add(name, value);
  if (!fields.get("content-type")) fields.add("content-type", "binary/octet-stream");
  for (const auto& [parameter, name] : kOverrides) {
    const std::string* value = operation.target.find(parameter);
    if (value == nullptr) continue;
    fields.remove(name);
    fields.try_add(name, *value);
  }
  if (operation.target.has("partNumber")) {
    fields.add("x-amz-mp-parts-count", std::to_string(head.contents.size()));
  }
}

}  // namespace

Done get_object(Operation& operation) {
  CUSP_CO_TRY(auto found, co_await operation.bucket->get(operation.target.key));
  if (!found) co_return no_such_key();
  object::Object object = std::move(*found);
  const object::Head head = object.head();
  http::Response response;
  describe(operation, head, response.fields);
  const Met met = check_read(operation.request.fields, "", head);
  if (met == Met::kNo) co_return precondition_failed();
  if (met == Met::kNotModified) {
    response.status = 304;
    response.fields.remove("content-type");
    co_return response;
  }
  CUSP_CO_TRY(const Wanted wanted, s3::wanted(operation, head));
  const auto mode = operation.request.fields.get("x-amz-checksum-mode");
  if (head.checksum && mode == "ENABLED" && !wanted.range) {
    add_checksum(*head.checksum, response.fields);
  }
  const ByteRange range = wanted.range.value_or(ByteRange{0, head.size});
  if (wanted.range) {
    response.status = 206;
    response.fields.add("content-range",
                        edge::cache::to_field({.range = range, .complete = head.size}));
  }
  // What cannot be read is an error while one can still be told.
  std::string first;
  if (operation.request.method == "GET" && range.size() > 0) {
    const uint64_t most = std::min<uint64_t>(range.size(), limits::kBodyChunkBytes);
    CUSP_CO_TRY(first, co_await object.read(range.first, most));
  }
  response.body = std::make_unique<ObjectBody>(std::move(object), range, std::move(first));
  co_return response;
}

}  // namespace cusp::node::s3
