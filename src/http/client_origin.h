#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "http/client.h"

namespace cusp::http {

// Where the connection for a request goes, by its own URL (RFC 6454) or as its options say: what
// connections are pooled by.
struct Origin {
  bool tls = false;
  std::string host;  // lower case, without brackets
  uint16_t port = 0;
  // With TLS: the name that the certificate must be for, the file of the authorities to trust
  // (empty: the system's), and whether any certificate is refused at all.
  std::string server_name;
  std::string ca_file;
  bool verify = true;

  auto operator<=>(const Origin&) const = default;
  // "example.com:443", "[::1]:8080".
  std::string to_string() const;
};

// An error about `origin`; its message starts with host and port. The code follows from `failure`.
ClientError client_error(ClientFailure failure, const Origin& origin, std::string_view message);

// Whether a request may go over HTTP/2.
enum class UseH2 : uint8_t { kNo, kIfAgreed, kOnly };

// What a request's head and its options say about where it goes and how.
struct RequestPlan {
  Origin origin;
  UseH2 h2 = UseH2::kNo;
  std::optional<uint64_t> length;  // of the body; 0 when a method that has one sends none
  bool chunked = false;
};

// Checks everything of a request that goes into its head, so that no text of a guest's can forge a
// field or a second request. Errors: kRequestInvalid.
std::expected<RequestPlan, ClientError> plan_request(const Request& request,
                                                     const ClientOptions& options);

// Whether each name and value is what RFC 9110 allows.
bool valid_fields(const Fields& fields);

}  // namespace cusp::http
