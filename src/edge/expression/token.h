#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cusp::edge::expression {

// The smallest parts of an expression's text.
struct Token {
  enum class Kind { kEnd, kName, kNumber, kText, kSymbol };

  Kind kind = Kind::kEnd;
  std::string text;   // as written; of kText, what stands between the quotes, unescaped
  size_t column = 1;  // in bytes, from 1

  bool is(std::string_view word) const {
    return text == word && (kind == Kind::kName || kind == Kind::kSymbol);
  }
};

// The error of everything that reads expressions.
std::unexpected<Error> fail_at(size_t column, std::string message);

// Cuts a text into tokens, one at a time.
class Tokenizer {
 public:
  // `text` outlives the tokenizer.
  explicit Tokenizer(std::string_view text) : text_(text) {}

  // The next one; kEnd for ever at the end. Errors: kInvalidArgument for what starts no token, an
  // open string, an unknown escape.
  Result<Token> next();

 private:
  Result<Token> read_text(size_t start);
  Result<Token> read_raw_text(size_t start);

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace cusp::edge::expression
