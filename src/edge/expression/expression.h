#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/table_reader.h"
#include "edge/exchange.h"

namespace cusp::edge {

// The language in which features ask for properties of a request:
//
//   country in ["DE", "AT"] and not path starts_with "/public/" and header["x-key"] != ""
//
// docs/formats/edge.md, section "Expressions", lists fields, operators and functions. Types are
// checked when the text is read; testing cannot fail, and costs at most a pass over the request's
// head for each comparison, of which there are at most kExpressionNodesMax. Patterns are RE2's and
// never backtrack. Immutable and thread-safe; shared by all shards.
class Expression {
 public:
  // A condition: true or false. Errors: kInvalidArgument, "… at column 14 of the expression".
  static Result<Expression> parse_condition(std::string_view text);
  // A condition, or a text, number or address, such as `header["x-api-key"]` for the key of a rate
  // limit. Errors as above.
  static Result<Expression> parse(std::string_view text);

  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

  bool is_condition() const;
  // Whether the condition holds. Only for conditions.
  bool test(Exchange& exchange) const;
  // The value as text: numbers in decimal, conditions as "true" or "false". A field that the
  // request has not is the empty text.
  std::string value(Exchange& exchange) const;
  // As it was written.
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  Expression(std::string text, std::unique_ptr<const Compiled> compiled);

  std::string text_;
  std::unique_ptr<const Compiled> compiled_;
};

// Read a configuration's value; a problem is reported through it and nothing is answered.
std::optional<Expression> read_condition(const Value& value);
std::optional<Expression> read_expression(const Value& value);

inline constexpr size_t kExpressionBytesMax = 8 * 1024;
inline constexpr size_t kExpressionDepthMax = 32;   // parentheses, "not" and calls in each other
inline constexpr size_t kExpressionNodesMax = 256;  // fields, literals, operators and calls
inline constexpr size_t kPatternBytesMax = 256 * 1024;  // memory of one compiled pattern

}  // namespace cusp::edge
