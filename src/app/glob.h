#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::app {

// A file name pattern with the rules of Spin's (the `glob` crate): "?" is one character, "*" any
// number, "[a-z]" and "[!a-z]" a set, "**" as a whole path segment any number of segments. A name
// that begins with a dot needs no special care. Matching takes time in proportion to pattern times
// path, whatever both hold. Immutable and thread-safe.
class Glob {
 public:
  enum class Slash : uint8_t {
    kOnlyLiteral,  // "*", "?" and sets stop at "/": for finding files
    kAny,          // they match "/" too: for exclude_files
  };

  // Errors: kInvalidArgument for an unclosed "[", or "**" beside other characters.
  static Result<Glob> create(std::string_view pattern, Slash slash);

  bool matches(std::string_view path) const;

  // Whether `text` has any of the characters above, or is just a path.
  static bool is_pattern(std::string_view text);

 private:
  enum class Kind : uint8_t { kLiteral, kAnyOne, kAnyRun, kAnySegments, kSet };
  struct Token {
    Kind kind;
    bool negated = false;
    char literal = 0;
    std::vector<std::pair<unsigned char, unsigned char>> ranges;  // of a kSet, inclusive
  };
  static Result<size_t> parse_set(std::string_view pattern, size_t start, Token& token);
  bool matches_one(const Token& token, char c) const;

  std::vector<Token> tokens_;
  Slash slash_ = Slash::kOnlyLiteral;
};

}  // namespace cusp::app
