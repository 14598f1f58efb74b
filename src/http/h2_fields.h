#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace cusp::http {

// A field section in the form that nghttp2 takes. Points into the message that it was made from.
class H2Fields {
 public:
  // A response's head: `size` becomes its content-length where it has none of its own; `date` is
  // added where it is missing. Fields of the connection are left out (RFC 9113 section 8.2.2).
  H2Fields(const Response& response, std::optional<uint64_t> size, std::string_view date);
  // A request's head; `length` is its body's, where it is known.
  H2Fields(const Request& request, std::optional<uint64_t> length);
  // An interim response.
  H2Fields(uint16_t status, const Fields& fields);
  // Trailers.
  explicit H2Fields(const Fields& trailers);
  H2Fields(const H2Fields&) = delete;
  H2Fields& operator=(const H2Fields&) = delete;

  std::span<const nghttp2_nv> get() const { return fields_; }
  // What the head says about the length of the body.
  std::optional<uint64_t> content_length() const { return content_length_; }

 private:
  void add(std::string_view name, std::string_view value);
  void add_all(const Fields& fields);
  void add_status(uint16_t status);

  std::vector<nghttp2_nv> fields_;
  std::optional<uint64_t> content_length_;
  std::array<char, 8> status_;
  std::array<char, 24> length_;
};

}  // namespace cusp::http
