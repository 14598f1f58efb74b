#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/sql/value.h"

// SQL as people and tools write it: statement after statement, with comments.
namespace cusp::cli {

// Where in a text one is, byte after byte: in code, in something quoted, in a comment.
class SqlScanner {
 public:
  // Returns whether the byte is code: quotes, what is between them, and comments are not.
  bool feed(char byte);
  bool in_quotes() const { return close_ != 0 && close_ != '\n' && close_ != '*'; }
  bool in_literal() const { return close_ == '\''; }
  bool in_comment() const { return close_ == '\n' || close_ == '*'; }

 private:
  char close_ = 0;   // what ends the quotes or the comment; 0: in code
  char before_ = 0;  // the byte before, where it matters
};

// The single statements of a text that is longer than memory (store/sql/split.h is for one that is
// not): SQLite's own idea of where one ends, triggers considered. The last one may do without its
// ';'. What is only comments is skipped.
class StatementReader {
 public:
  // `in` outlives it.
  explicit StatementReader(std::istream& in) : in_(in) {}

  // Nothing: this was the last. Errors: kInvalidArgument, the text ends within quotes or a
  // statement is longer than any may be.
  Result<std::optional<std::string>> next();
  // Of the line that was read last, from 1.
  size_t line() const { return line_; }

 private:
  std::istream& in_;
  size_t line_ = 1;
};

// The statement with its long literals as parameters, so that a row may be longer than the text of
// a statement.
store::sql::Statement with_parameters(std::string text);

// A value as SQL writes it, which is that value again when it is read.
std::string literal(const store::sql::Value& value);
// A table's or column's name in quotes.
std::string quoted_name(const std::string& name);

}  // namespace cusp::cli
