#pragma once

#include <cstdint>
#include <expected>

#include "http/client_origin.h"

namespace cusp::http {

// One request, for the exchange that sends it; what it points at is kept alive by the caller.
struct ClientCall {
  Request& request;  // its body is taken
  const RequestPlan& plan;
  const ClientOptions& options;
};

// Whether a request that failed may be sent once more.
enum class Again : uint8_t {
  kNever,
  // The connection ended before any byte of an answer: the request may have arrived. One that had
  // served others may just have been closed for being idle.
  kIfIdempotent,
  // The upstream has not begun with it, and the request is whole again.
  kYes,
  // The same, but it wants HTTP/1.1 (RFC 9113 section 7, HTTP_1_1_REQUIRED).
  kOverHttp1,
};

struct ClientAnswer {
  std::expected<Response, ClientError> response;
  Again again = Again::kNever;
};

}  // namespace cusp::http
