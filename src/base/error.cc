#include "base/error.h"

#include <cstdio>
#include <cstdlib>

#include "base/assert.h"

namespace cusp {

std::string Error::to_string() const {
  return context.empty() ? message : context + ": " + message;
}

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kAlreadyExists: return "already_exists";
    case ErrorCode::kPermissionDenied: return "permission_denied";
    case ErrorCode::kResourceExhausted: return "resource_exhausted";
    case ErrorCode::kDeadlineExceeded: return "deadline_exceeded";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kDataLoss: return "data_loss";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists: return 409;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kResourceExhausted: return 503;
    case ErrorCode::kDeadlineExceeded: return 504;
    case ErrorCode::kCancelled: return 499;
    case ErrorCode::kUnavailable: return 502;
    case ErrorCode::kDataLoss: return 500;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 2;
    case ErrorCode::kNotFound: return 3;
    case ErrorCode::kPermissionDenied: return 4;
    case ErrorCode::kUnavailable: return 5;
    case ErrorCode::kDeadlineExceeded: return 6;
    case ErrorCode::kUnsupported: return 7;
    default: return 1;
  }
}

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "cusp: this is a bug: %s does not hold at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace cusp
