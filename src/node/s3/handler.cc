#include "node/s3/handler.h"

#include <openssl/rand.h>

#include <algorithm>

#include "io/asio.h"
#include "node/s3/unsupported.h"
#include "node/s3/xml.h"
#include "store/object/checksum.h"

namespace cusp::node::s3 {

namespace {

constexpr size_t kRequestIdBytes = 8;

struct Route {
  Done (*operation)(Operation&) = nullptr;
  Access access = Access::kRead;
};

Done head_bucket(Operation&) { co_return http::Response(); }

Done location(Operation&) {
  XmlWriter xml;
  xml.open_root("LocationConstraint");
  xml.close("LocationConstraint");
  co_return xml_response(200, std::move(xml));
}

Done versioning(Operation&) {
  XmlWriter xml;
  xml.open_root("VersioningConfiguration");
  xml.close("VersioningConfiguration");
  co_return xml_response(200, std::move(xml));
}

Done set_versioning(Operation&) { co_return not_implemented("PutBucketVersioning"); }

// A bucket is there when an application's store is: there is nothing to make.
Done create_bucket(Operation& operation) {
  http::Response response;
  response.fields.add("location", "/" + operation.target.bucket);
  co_return response;
}

Done delete_bucket(Operation& operation) {
  CUSP_CO_TRY(const auto listing, co_await operation.bucket->list({.limit = 1}));
  if (!listing.objects.empty()) {
    co_return refuse(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
  }
  co_return http::Response{.status = 204};
}

Route bucket_route(const std::string& method, const Target& target) {
  if (method == "HEAD") return {head_bucket};
  if (method == "PUT" && target.has("versioning")) return {set_versioning, Access::kWrite};
  if (method == "PUT") return {create_bucket, Access::kWrite};
  if (method == "DELETE") return {delete_bucket, Access::kWrite};
  if (method == "POST" && target.has("delete")) return {delete_objects, Access::kWrite};
  if (method != "GET") return {};
  if (target.has("location")) return {location};
  if (target.has("versioning")) return {versioning};
  if (target.has("uploads")) return {list_uploads};
  return {list_objects};
}

Route object_route(const http::Request& request, const Target& target) {
  const std::string& method = request.method;
  const bool upload = target.has("uploadId");
  const bool copy = request.fields.get("x-amz-copy-source").has_value();
  if (method == "GET" && upload) return {list_parts};
  if (method == "GET" || method == "HEAD") return {get_object};
  if (method == "PUT" && upload) return {copy ? copy_part : put_part, Access::kWrite};
  if (method == "PUT") return {copy ? copy_object : put_object, Access::kWrite};
  if (method == "DELETE" && upload) return {abort_upload, Access::kWrite};
  if (method == "DELETE") return {delete_object, Access::kWrite};
  if (method == "POST" && upload) return {complete_upload, Access::kWrite};
  if (method == "POST" && target.has("uploads")) return {begin_upload, Access::kWrite};
  return {};
}

Answer<Route> route(const http::Request& request, const Target& target) {
  CUSP_CHECK(check_supported(request.fields, target));
  Route found;
  if (!target.key.empty()) {
    found = object_route(request, target);
  } else if (!target.bucket.empty()) {
    found = bucket_route(request.method, target);
  } else if (request.method == "GET") {
    found = {list_buckets};
  }
  if (found.operation == nullptr) {
    return refuse(405, "MethodNotAllowed",
                  "The specified method is not allowed against this resource.");
  }
  return found;
}

std::string request_id() {
  std::string bytes(kRequestIdBytes, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return store::object::hex(bytes);
}

}  // namespace

Done Handler::answer(http::Request& request, const Target& target) {
  CUSP_CO_TRY(const Verified verified,
              verify(request, target, options_.find_token, options_.now()));
  CUSP_CO_TRY(const Route chosen, route(request, target));
  Operation operation{
      .request = request, .target = target, .verified = verified, .objects = objects_};
  if (!target.bucket.empty()) {
    CUSP_CO_TRY(operation.bucket,
                open_bucket(objects_, *verified.token, target.bucket, chosen.access));
  }
  co_return co_await chosen.operation(operation);
}

io::Task<http::Response> Handler::respond(http::Request& request) {
  const std::string id = request_id();
  const auto target = parse_target(request, options_.domain);
  http::Response response;
  if (!target) {
    response = to_response(target.error(), request.target, id);
  } else {
    auto answered = co_await answer(request, *target);
    response = answered ? std::move(*answered) : to_response(answered.error(), target->path, id);
  }
  response.fields.set("x-amz-request-id", id);
  co_return response;
}

}  // namespace cusp::node::s3
