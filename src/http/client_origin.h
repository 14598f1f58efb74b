#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "http/client.h"

namespace cusp::http {

// Where a request goes (RFC 6454): what connections are pooled by.
struct Origin {
  bool tls = false;
  std::string host;  // lower case, without brackets
  uint16_t port = 0;

  auto operator<=>(const Origin&) const = default;
  // "example.com:443", "[::1]:8080".
  std::string to_string() const;
};

// An error about `origin`; its message starts with host and port. The code follows from `failure`.
ClientError client_error(ClientFailure failure, const Origin& origin, std::string_view message);

// What a request's head says about where it goes and how its body is delimited.
struct RequestPlan {
  Origin origin;
  std::optional<uint64_t> length;  // of the body; 0 when a method that has one sends none
  bool chunked = false;
};

// Checks everything of a request that goes into its head, so that no text of a guest's can forge a
// field or a second request. Errors: kRequestInvalid.
std::expected<RequestPlan, ClientError> plan_request(const Request& request);

// Whether each name and value is what RFC 9110 allows.
bool valid_fields(const Fields& fields);

}  // namespace cusp::http
