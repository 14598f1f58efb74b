#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"
#include "io/task.h"
#include "node/s3/failure.h"
#include "node/s3/payload.h"
#include "node/s3/request.h"
#include "store/object/objects.h"

// The operations of S3's API, each a function of one request that may do it.
namespace cusp::node::s3 {

// One request. Lives until its response is made.
struct Operation {
  http::Request& request;
  const Target& target;
  const Verified& verified;
  store::object::Objects& objects;
  std::shared_ptr<store::object::Bucket> bucket;  // shared with nobody; null: of no bucket
};

// What the version of an object is called in a bucket that keeps no others.
inline constexpr std::string_view kOnlyVersion = "null";

using Done = io::Task<Answer<http::Response>>;

// object_reads.cc
Done get_object(Operation& operation);  // HEAD too
// object_writes.cc
Done put_object(Operation& operation);
Done copy_object(Operation& operation);
Done delete_object(Operation& operation);
Done delete_objects(Operation& operation);
// lists.cc
Done list_buckets(Operation& operation);
Done list_objects(Operation& operation);  // of both versions
Done list_uploads(Operation& operation);
Done list_parts(Operation& operation);
// uploads.cc
Done begin_upload(Operation& operation);
Done put_part(Operation& operation);
Done copy_part(Operation& operation);
Done complete_upload(Operation& operation);
Done abort_upload(Operation& operation);

// The bucket "APP.STORE", if the token may use it so. Failures: NoSuchBucket, AccessDenied.
Answer<std::shared_ptr<store::object::Bucket>> open_bucket(store::object::Objects& objects,
                                                           const Token& token,
                                                           std::string_view name, Access access);
// "APP" of a bucket's name "APP.STORE".
std::string_view app_of(std::string_view bucket);
// The object that "x-amz-copy-source" names, if the token may read it and the request's conditions
// hold. `same`: set when it is the one that the request writes. Failures: those of open_bucket(),
// NoSuchKey, InvalidArgument, PreconditionFailed.
io::Task<Answer<store::object::Object>> copy_source(Operation& operation, bool& same);

// Takes the request's content to the disk.
io::Task<Answer<store::object::Received>> receive(
    Operation& operation, std::optional<store::object::Algorithm> algorithm);

// What an object keeps of its request's fields: media type, metadata and the like.
store::object::FieldList kept_fields(const http::Fields& fields);

// "\"ETAG\"".
std::string quoted(std::string_view etag);
// "2013-05-24T00:00:00.000Z".
std::string iso_time(store::kv::Time time);
// A parameter that is a number. Failures: InvalidArgument.
Answer<uint64_t> number_parameter(const Target& target, std::string_view name, uint64_t otherwise,
                                  uint64_t most);
}  // namespace cusp::node::s3
