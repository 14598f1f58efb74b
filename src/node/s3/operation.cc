#include "node/s3/operation.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/base64.h"
#include "edge/percent.h"
#include "io/asio.h"
#include "node/s3/conditions.h"

namespace cusp::node::s3 {

namespace {

namespace object = store::object;

constexpr std::string_view kMetadata = "x-amz-meta-";
constexpr std::array<std::string_view, 5> kKept{"content-type", "content-language",
                                                "content-disposition", "cache-control", "expires"};
constexpr std::string_view kVersion = "?versionId=";
constexpr std::string_view kChunked = "aws-chunked";

// A content-encoding without the framing of the request itself.
std::string kept_encoding(std::string_view field) {
  std::string kept;
  while (!field.empty()) {
    std::string_view one = field.substr(0, field.find(','));
    field.remove_prefix(std::min(field.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || one == kChunked) continue;
    kept += kept.empty() ? "" : ",";
    kept += one;
  }
  return kept;
}

std::unexpected<Failure> no_such_bucket() {
  return refuse(404, "NoSuchBucket",
                "The specified bucket does not exist: the name of one is APP.STORE.");
}

}  // namespace

Answer<std::shared_ptr<object::Bucket>> open_bucket(object::Objects& objects, const Token& token,
                                                    std::string_view name, Access access) {
  const std::string_view app = app_of(name);
  const std::string_view store = name.substr(std::min(name.size(), app.size() + 1));
  if (app.empty() || store.empty()) return no_such_bucket();
  if (!token.grant.allows(app, StoreKind::kObject, store, access)) return access_denied();
  auto bucket = objects.bucket({std::string(app), std::string(store)});
  if (!bucket) return no_such_bucket();
  return std::move(*bucket);
}

std::string_view app_of(std::string_view bucket) { return bucket.substr(0, bucket.rfind('.')); }

io::Task<Answer<object::Object>> copy_source(Operation& operation, bool& same) {
  const http::Fields& fields = operation.request.fields;
  std::string text(fields.get("x-amz-copy-source").value_or(""));
  if (const size_t at = text.find(kVersion); at != std::string::npos) {
    if (text.substr(at + kVersion.size()) != kOnlyVersion) co_return no_such_version();
    text.resize(at);
  }
  const std::string path = edge::percent_decode(text);
  std::string_view rest = path;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) {
    co_return invalid_argument("Copy Source must mention the source bucket and key: BUCKET/KEY");
  }
  const std::string_view name = rest.substr(0, slash);
  const std::string key(rest.substr(slash + 1));
  CUSP_CO_TRY(const auto bucket,
              open_bucket(operation.objects, *operation.verified.token, name, Access::kRead));
  CUSP_CO_TRY(auto source, co_await bucket->get(key));
  if (!source) co_return no_such_key();
  if (check_read(fields, "x-amz-copy-source-", source->head()) != Met::kYes) {
    co_return precondition_failed();
  }
  same = name == operation.target.bucket && key == operation.target.key;
  co_return std::move(*source);
}

io::Task<Answer<object::Received>> receive(Operation& operation,
                                           std::optional<object::Algorithm> algorithm) {
  CUSP_CO_TRY(const auto payload, Payload::create(operation.request, operation.verified));
  if (algorithm && payload->algorithm() && algorithm != payload->algorithm()) {
    co_return refuse(400, "InvalidRequest", "Checksum Type mismatch occurred");
  }
  auto incoming = operation.bucket->receive(algorithm ? algorithm : payload->algorithm());
  while (true) {
    CUSP_CO_TRY(const std::string part, co_await payload->read());
    if (part.empty()) break;
    CUSP_CO_CHECK(co_await incoming.append(part));
  }
  CUSP_CO_TRY(auto received, co_await incoming.finish());
  co_return std::move(received);
}

object::FieldList kept_fields(const http::Fields& fields) {
  object::FieldList kept;
  for (const auto& field : fields) {
    const bool known = std::ranges::find(kKept, field.name) != kKept.end();
    if (known || field.name.starts_with(kMetadata)) kept.emplace_back(field.name, field.value);
  }
  if (const auto encoding = fields.get_all("content-encoding")) {
    std::string text = kept_encoding(*encoding);
    if (!text.empty()) kept.emplace_back("content-encoding", std::move(text));
  }
  return kept;
}

std::string quoted(std::string_view etag) { return fmt::format("\"{}\"", etag); }

std::string iso_time(store::kv::Time time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                     (time - second).count());
}

Answer<uint64_t> number_parameter(const Target& target, std::string_view name, uint64_t otherwise,
                                  uint64_t most) {
  const std::string* text = target.find(name);
  if (text == nullptr || text->empty()) return otherwise;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value > most) {
    return invalid_argument(fmt::format("{} is a number from 0 to {}", name, most));
  }
  return value;
}

}  // namespace cusp::node::s3
