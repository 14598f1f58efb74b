#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/table_reader.h"
#include "http/message.h"

// Where requests carry what says who they are from. Everything here comes from clients.
namespace cusp::edge {

// "abc" of "Authorization: Bearer abc"; the scheme in any case (RFC 9110 section 11.4). Nothing
// when there is none, or more than one such field.
std::optional<std::string> authorization(const http::Fields& fields, std::string_view scheme);

// The first cookie of that name (RFC 6265 section 5.4).
std::optional<std::string> find_cookie(const http::Fields& fields, std::string_view name);
// Takes the cookie out of the request, and leaves the others.
void remove_cookie(http::Fields& fields, std::string_view name);

// The parameter of a target's query, decoded. Nothing when it is not there, or twice.
std::optional<std::string> find_parameter(std::string_view target, std::string_view name);
// The target without that parameter; the others stay as they are.
std::string without_parameter(std::string_view target, std::string_view name);

// A field that tells the origin something that only the edge may say. Whoever sets it is forged:
// fields that differ from it in "-" and "_" alone are too, for scripts cannot tell them apart (RFC
// 3875 section 4.1.18).
class TrustedField {
 public:
  // `name` as configuration has it; a problem is reported through `value`.
  static std::string read_name(const Value& value, std::string name);

  explicit TrustedField(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  void remove_forged(http::Fields& fields) const;
  // What cannot stand in a field leaves it out.
  void set(http::Fields& fields, std::string_view text) const;

 private:
  std::string name_;  // in lower case
};

// 401 with a challenge (RFC 9110 section 11.6.1) that no cache keeps.
http::Response unauthorized(std::string challenge);
http::Response forbidden(std::string_view text = "Forbidden\n");
// "abc" as a quoted string (RFC 9110 section 5.6.4).
std::string quoted_string(std::string_view text);

}  // namespace cusp::edge
