#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "http/message.h"

namespace cusp::node::s3 {

// Why a request was refused, as S3 says it: a code that clients compare, and a sentence for people
// ("Error responses" in the API reference of Amazon S3).
struct Failure {
  uint16_t status = 500;
  std::string_view code;  // a literal
  std::string message;

  Failure(uint16_t with_status, std::string_view with_code, std::string with_message)
      : status(with_status), code(with_code), message(std::move(with_message)) {}
  // What a store or a body says, in the terms of S3.
  Failure(const Error& error);  // NOLINT: converts, so that CUSP_CO_TRY passes it on
};

template <class T = void>
using Answer = std::expected<T, Failure>;

inline std::unexpected<Failure> refuse(uint16_t status, std::string_view code,
                                       std::string message) {
  return std::unexpected(Failure(status, code, std::move(message)));
}

// Failures that are told in several places.
std::unexpected<Failure> access_denied();
std::unexpected<Failure> invalid_argument(std::string message);
std::unexpected<Failure> no_such_key();
std::unexpected<Failure> no_such_version();
std::unexpected<Failure> not_implemented(std::string_view what);
std::unexpected<Failure> precondition_failed();

// The response with S3's <Error> document; a HEAD request gets none of it.
http::Response to_response(const Failure& failure, std::string_view resource,
                           std::string_view request_id);

}  // namespace cusp::node::s3
