#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace cusp::http {

// Writes one message in HTTP/1.1 form (RFC 9112): chooses the framing and keeps to it.
class H1Writer {
 public:
  // For a request's body, whose head write_request_head has written: of `length` bytes, or chunked.
  explicit H1Writer(std::optional<uint64_t> length) : chunked_(!length), left_(length) {}

  // For a response. `method` and `version` are the request's.
  H1Writer(std::string_view method, Version version, bool keep_alive)
      : head_request_(method == "HEAD"), version_(version), keep_alive_(keep_alive) {}

  // Whether a response with this status to this request carries a body at all.
  bool sends_body(uint16_t status) const { return !head_request_ && !bodyless(status); }

  // Appends status line, fields and framing to `out`. `size` is the body's length where it is
  // known; a content-length among the response's own fields counts before it. Fields that HTTP does
  // not allow are left out.
  void head(Response& response, std::optional<uint64_t> size, std::string_view date,
            std::string& out);

  // Appends what goes before the part's data; the caller writes `out`, the data, and after(part).
  // False when the body does not keep to the length that was announced: the connection must be cut.
  bool body(const BodyPart& part, std::string& out);
  iovec after(const BodyPart& part);
  // The last bytes of the last part, which had a content-length, come again with the next one.
  void give_back(size_t bytes) { left_ = left_.value_or(0) + bytes; }

  // Known after head().
  bool keep_alive() const { return keep_alive_; }

 private:
  template <class Put>
  void write_framing(uint16_t status, std::optional<uint64_t> size, Put put);
  static bool bodyless(uint16_t status) { return status < 200 || status == 204 || status == 304; }

  bool head_request_ = false;
  Version version_ = Version::kHttp11;
  bool keep_alive_ = true;
  bool chunked_ = false;
  std::optional<uint64_t> left_;
  std::string after_;
};

// An interim response; what is framing among its fields is left out.
void write_interim(uint16_t status, const Fields& fields, std::string& out);

// The head of the response that switches to `protocol`; framing is not among its fields.
void write_switch_head(const Fields& fields, std::string_view protocol, std::string& out);

// A head of a request, as a client sends it.
void write_request_head(const Request& request, std::optional<uint64_t> size, bool chunked,
                        std::string& out);

}  // namespace cusp::http
