#include "node/s3_client/service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/limits.h"
#include "http/read_within.h"
#include "io/asio.h"
#include "node/digest.h"
#include "node/s3/signature.h"
#include "store/object/record.h"

namespace cusp::node::s3_client {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr size_t kRefusalBytesMax = 64 * limits::kKiB;
constexpr size_t kWordsMax = 200;  // of a service, in an error of ours
constexpr milliseconds kBackOff{100};

class SharedBody final : public http::Body {
 public:
  explicit SharedBody(std::shared_ptr<const std::string> text) : text_(std::move(text)) {}

  io::Task<Result<http::BodyPart>> read() override {
    http::BodyPart part{.data = text_->substr(at_, limits::kBodyChunkBytes)};
    at_ += part.data.size();
    part.end = at_ == text_->size();
    co_return part;
  }
  bool ready() override { return true; }
  std::optional<uint64_t> size() const override { return text_->size() - at_; }

 private:
  const std::shared_ptr<const std::string> text_;
  size_t at_ = 0;
};

// What a service says, made fit for a log: it may say anything.
std::string words(std::string_view text) {
  std::string plain(text.substr(0, kWordsMax));
  std::ranges::replace_if(plain, [](char byte) { return byte < ' ' || byte > '~'; }, '?');
  return plain;
}

bool may_pass(uint16_t status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

ErrorCode code_of(uint16_t status, std::string_view code) {
  if (code == "NoSuchBucket") return ErrorCode::kUnavailable;
  if (code == "EntityTooLarge" || status == 507) return ErrorCode::kResourceExhausted;
  if (status == 404) return ErrorCode::kNotFound;
  if (status == 401 || status == 403) return ErrorCode::kPermissionDenied;
  const bool here = status >= 400 && status < 500 && !may_pass(status) && status != 412;
  return here ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable;
}

// A proxy on the way may resolve "..", which would lead out of the prefix.
bool has_dot_segment(std::string_view key) {
  while (true) {
    const size_t slash = std::min(key.find('/'), key.size());
    const std::string_view segment = key.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == key.size()) return false;
    key.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<> Service::check(const std::string& key) const {
  CUSP_CHECK(store::object::check_object_key(key));
  if (has_dot_segment(key)) {
    return fail(ErrorCode::kInvalidArgument,
                "the key of an object in a bucket elsewhere has no segment '.' or '..'");
  }
  return store::object::check_object_key(bucket_->prefix + key);
}

std::string Service::copy_source(const std::string& key) const {
  return "/" + s3::uri_encode(bucket_->bucket) + "/" + s3::uri_encode(bucket_->prefix + key, true);
}

std::unexpected<Error> Service::wrong(std::string_view what) const {
  return fail(ErrorCode::kUnavailable,
              fmt::format("the bucket '{}' at {} {}", bucket_->bucket, bucket_->authority, what));
}

http::Request Service::signed_request(const Ask& ask) const {
  s3::Target target{.path = "/", .query = ask.query};
  http::Request request{.method = ask.method,
                        .scheme = bucket_->scheme,
                        .authority = bucket_->authority,
                        .fields = ask.fields};
  if (bucket_->path_style) {
    target.path += bucket_->bucket;
    if (ask.key) target.path += "/";
  } else {
    request.authority = bucket_->bucket + "." + request.authority;
  }
  if (ask.key) target.path += bucket_->prefix + *ask.key;
  request.target = s3::uri_encode(target.path, true);
  char separator = '?';
  for (const auto& [name, value] : target.query) {
    request.target += separator + s3::uri_encode(name) + "=" + s3::uri_encode(value);
    separator = '&';
  }
  if (ask.body) request.body = std::make_unique<SharedBody>(ask.body);

  const std::string payload = sha256_hex({ask.body ? std::string_view(*ask.body) : ""});
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  s3::Credential credential{.key_id = bucket_->access_key_id,
                            .day = fmt::format("{:%Y%m%d}", now),
                            .region = bucket_->region,
                            .time = fmt::format("{:%Y%m%dT%H%M%SZ}", now)};
  request.fields.add("x-amz-date", credential.time);
  request.fields.add("x-amz-content-sha256", payload);
  credential.signed_fields.emplace_back("host");
  for (const auto& field : request.fields) credential.signed_fields.emplace_back(field.name);
  std::ranges::sort(credential.signed_fields);
  const std::string signature =
      s3::signature_of(request, target, credential, payload,
                       s3::signing_key(bucket_->secret_access_key, credential));
  request.fields.add("authorization",
                     fmt::format("AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}",
                                 credential.key_id, credential.scope(),
                                 fmt::join(credential.signed_fields, ";"), signature));
  return request;
}

Error Service::error_of(uint16_t status, const s3::XmlElement& document) const {
  const std::string_view code = document.child_text("Code");
  std::string message =
      fmt::format("the bucket '{}' at {} answers {} {} {}", bucket_->bucket, bucket_->authority,
                  status, words(code), words(document.child_text("Message")));
  while (message.ends_with(' ')) message.pop_back();
  return {code_of(status, code), std::move(message), {}};
}

io::Task<Error> Service::refusal(http::Response& response) const {
  const auto text = co_await http::read_within(response.body.get(), kRefusalBytesMax,
                                               Clock::now() + kS3AnswerTime, bucket_->authority);
  const auto document = s3::parse_xml(text ? std::string_view(*text) : "");
  co_return error_of(response.status, document.value_or(s3::XmlElement()));
}

io::Task<Result<http::Response>> Service::send(Ask ask) const {
  if (ask.key) CUSP_CO_CHECK(check(*ask.key));
  http::ClientOptions options;
  options.first_byte_timeout = kS3AnswerTime;
  std::ranges::sort(ask.query);
  const size_t tries = ask.method == "POST" ? 1 : kS3TriesMax;
  for (size_t tried = 1;; ++tried) {
    auto response = co_await client_->send(signed_request(ask), options);
    if (response && response->status / 100 == 2) co_return std::move(*response);
    if (tried >= tries || (response && !may_pass(response->status))) {
      if (response) co_return std::unexpected(co_await refusal(*response));
      co_return fail(response.error().error.code,
                     fmt::format("the bucket '{}' at {} cannot be reached: {}", bucket_->bucket,
                                 bucket_->authority, response.error().error.message));
    }
    io::Timer timer(executor_);
    timer.expires_after(kBackOff * (1 << (2 * (tried - 1))));
    co_await timer.async_wait(io::use_task);
  }
}

io::Task<Result<s3::XmlElement>> Service::send_for_document(Ask ask) const {
  CUSP_CO_TRY(http::Response response, co_await send(std::move(ask)));
  CUSP_CO_TRY(const std::string text,
              co_await http::read_within(response.body.get(), kS3DocumentBytesMax,
                                         Clock::now() + kS3AnswerTime, bucket_->authority));
  auto document = s3::parse_xml(text);
  if (!document) co_return wrong("answers with what is no document of S3's");
  // A copy or an upload that fails late has its status behind it ("CompleteMultipartUpload").
  if (document->name == "Error") co_return std::unexpected(error_of(500, *document));
  co_return std::move(*document);
}

}  // namespace cusp::node::s3_client
