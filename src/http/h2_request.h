#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "http/h1_parser.h"
#include "http/message.h"

namespace cusp::http {

// Collects the field section of an HTTP/2 request (RFC 9113 section 8.3). nghttp2 has checked each
// field; what it leaves to us is checked here.
class H2RequestHead {
 public:
  H2RequestHead(size_t bytes_max, size_t fields_max)
      : bytes_max_(bytes_max), fields_max_(fields_max) {}

  // Adds a field, pseudo or not. Beyond the limits nothing more is kept. False when so much has
  // come that going on to answer would serve an attacker only.
  bool add(std::string_view name, std::string_view value);

  // The request without body and connection, after the last field. Errors: 431 over the limits, 400
  // for an authority and a host that differ, 501 for CONNECT.
  std::expected<Request, SyntaxError> finish(bool tls);

  std::optional<uint64_t> content_length() const { return content_length_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  void add_pseudo(std::string_view name, std::string_view value);

  size_t bytes_max_;
  size_t fields_max_;
  size_t bytes_ = 0;
  size_t count_ = 0;
  Request request_;
  std::string cookie_;
  std::optional<uint64_t> content_length_;
  bool expects_continue_ = false;
};

}  // namespace cusp::http
