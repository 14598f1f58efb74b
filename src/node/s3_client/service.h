#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "app/runtime_config.h"
#include "base/limits.h"
#include "base/result.h"
#include "host/capability.h"
#include "http/client.h"
#include "http/message.h"
#include "node/s3/request.h"
#include "node/s3/xml.h"

// An S3 service of somebody else's, of which one bucket is an app's object store.
namespace cusp::node::s3_client {

using BucketPtr = std::shared_ptr<const app::S3Bucket>;  // shared with all who are connected

inline constexpr size_t kS3PartBytes = 8 * limits::kMiB;         // what a writer holds
inline constexpr size_t kS3DocumentBytesMax = 8 * limits::kMiB;  // of an answer
inline constexpr auto kS3AnswerTime = std::chrono::seconds(30);  // until an answer begins
inline constexpr size_t kS3TriesMax = 3;

// What the service is asked for.
struct Ask {
  std::string method;
  std::optional<std::string> key;  // as the app knows it; nothing: the bucket itself
  s3::Query query = {};
  http::Fields fields = {};                           // names in lower case; all are signed
  std::shared_ptr<const std::string> body = nullptr;  // shared by the tries; null: none
};

// One bucket, from one shard. A value: copies ask the same service. The operator's own word: its
// address may be private; certificates are verified.
class Service {
 public:
  // What `caller` has outlives it.
  Service(BucketPtr bucket, const host::Caller& caller)
      : bucket_(std::move(bucket)), executor_(caller.executor), client_(caller.http_client) {}

  // The answer, whose status is 2xx. What is no POST is tried kS3TriesMax times when the
  // service fails or is busy. Errors, with the bucket and its endpoint in the message and no
  // credentials: kNotFound (no such object), kPermissionDenied, kInvalidArgument (also a key that
  // cannot be one), kResourceExhausted, kUnavailable.
  io::Task<Result<http::Response>> send(Ask ask) const;
  // The same, for an answer that is a document. One that only says <Error> is an error.
  io::Task<Result<s3::XmlElement>> send_for_document(Ask ask) const;

  const app::S3Bucket& bucket() const { return *bucket_; }
  const io::Executor& executor() const { return executor_; }
  // "/BUCKET/KEY", as a copy's source is named.
  std::string copy_source(const std::string& key) const;
  // Whether an object can have this key, which is hostile. Errors: kInvalidArgument.
  Result<> check(const std::string& key) const;
  // That the bucket did something that it should not have.
  std::unexpected<Error> wrong(std::string_view what) const;

 private:
  http::Request signed_request(const Ask& ask) const;
  io::Task<Error> refusal(http::Response& response) const;
  Error error_of(uint16_t status, const s3::XmlElement& document) const;

  BucketPtr bucket_;
  io::Executor executor_;
  http::Client* client_;  // the shard's
};

}  // namespace cusp::node::s3_client
