#include "node/s3/failure.h"

#include <fmt/format.h>

#include "base/log.h"
#include "node/s3/xml.h"

namespace cusp::node::s3 {

namespace {

struct Kind {
  uint16_t status;
  std::string_view code;
};

Kind kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return {400, "InvalidArgument"};
    case ErrorCode::kCancelled: return {400, "IncompleteBody"};
    case ErrorCode::kDeadlineExceeded: return {400, "RequestTimeout"};
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable: return {503, "ServiceUnavailable"};
    default: return {500, "InternalError"};
  }
}

}  // namespace

Failure::Failure(const Error& error) : message(error.message) {
  const Kind kind = kind_of(error.code);
  status = kind.status;
  code = kind.code;
  if (status >= 500) log::warn("S3: {}", error.to_string());
}

std::unexpected<Failure> access_denied() { return refuse(403, "AccessDenied", "Access Denied"); }

std::unexpected<Failure> invalid_argument(std::string message) {
  return refuse(400, "InvalidArgument", std::move(message));
}

std::unexpected<Failure> no_such_key() {
  return refuse(404, "NoSuchKey", "The specified key does not exist.");
}

std::unexpected<Failure> no_such_version() {
  return refuse(404, "NoSuchVersion", "The specified version does not exist.");
}

std::unexpected<Failure> not_implemented(std::string_view what) {
  return refuse(501, "NotImplemented", fmt::format("{} is not implemented here.", what));
}

std::unexpected<Failure> precondition_failed() {
  return refuse(412, "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold");
}

http::Response to_response(const Failure& failure, std::string_view resource,
                           std::string_view request_id) {
  XmlWriter xml;
  xml.open("Error");
  xml.element("Code", failure.code);
  xml.element("Message", failure.message);
  xml.element("Resource", resource);
  xml.element("RequestId", request_id);
  xml.close("Error");
  return xml_response(failure.status, std::move(xml));
}

}  // namespace cusp::node::s3
