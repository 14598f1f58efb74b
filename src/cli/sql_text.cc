#include "cli/sql_text.h"

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "base/limits.h"

namespace cusp::cli {

namespace {

namespace sql = store::sql;

// A row's values, each byte as two digits, and what stands between them.
constexpr size_t kStatementBytesMax = 3 * limits::kSqlValueBytesMax;
constexpr size_t kLiteralBytesMin = 1024;  // shorter ones stay

std::string hex(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

int digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const char lower = static_cast<char>(byte | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Nothing: these are no bytes in hexadecimal.
std::optional<sql::Value> blob_of(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  sql::Blob blob;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit(digits[i]);
    const int low = digit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    blob.bytes += static_cast<char>(high << 4 | low);
  }
  return blob;
}

sql::Value text_of(std::string_view between_quotes) {
  std::string text;
  for (size_t i = 0; i < between_quotes.size(); ++i) {
    text += between_quotes[i];
    if (between_quotes[i] == '\'') ++i;  // a quote is written twice
  }
  return text;
}

// Behind the literal whose first quote is at `begin`; npos: it is open.
size_t literal_end(std::string_view text, size_t begin) {
  size_t at = begin + 1;
  while (at < text.size()) {
    if (text[at] != '\'') {
      ++at;
    } else if (at + 1 < text.size() && text[at + 1] == '\'') {
      at += 2;
    } else {
      return at + 1;
    }
  }
  return text.npos;
}

std::string real(double value) {
  if (std::isinf(value)) return value > 0 ? "9e999" : "-9e999";
  std::string text = fmt::format("{:.17g}", value);
  if (text.find_first_of(".en") == text.npos) text += ".0";
  return text;
}

}  // namespace

bool SqlScanner::feed(char byte) {
  const char before = std::exchange(before_, byte);
  if (close_ == '*') {
    if (before == '*' && byte == '/') close_ = before_ = 0;
    return false;
  }
  if (close_ != 0) {
    if (byte == close_) close_ = before_ = 0;
    return false;
  }
  if (byte == '\'' || byte == '"' || byte == '`') close_ = byte;
  if (byte == '[') close_ = ']';
  if (byte == '-' && before == '-') close_ = '\n';
  if (byte == '*' && before == '/') {
    close_ = '*';
    before_ = 0;  // "/*/" is not closed
  }
  return close_ == 0;
}

Result<std::optional<std::string>> StatementReader::next() {
  SqlScanner scanner;
  std::string text;
  size_t code = 0;  // bytes that are no blanks, and in no comment
  char byte = 0;
  while (in_.get(byte)) {
    if (byte == '\n') ++line_;
    const bool was_comment = scanner.in_comment();
    const bool plain = scanner.feed(byte);
    text += byte;
    if (text.size() > kStatementBytesMax) {
      return fail(ErrorCode::kInvalidArgument, "a statement is longer than any may be");
    }
    if (scanner.in_quotes() ||
        (plain && byte != ';' && std::isspace(static_cast<unsigned char>(byte)) == 0))
      ++code;
    // The first byte of what opens a comment was counted as code.
    if (scanner.in_comment() && !was_comment) --code;
    if (!plain || byte != ';') continue;
    if (code == 0) {
      text.clear();
    } else if (::sqlite3_complete(text.c_str()) != 0) {
      return text;
    }
  }
  if (scanner.in_quotes()) {
    return fail(ErrorCode::kInvalidArgument, "the text ends within a statement");
  }
  if (code == 0) return std::nullopt;
  return text;
}

sql::Statement with_parameters(std::string text) {
  if (text.size() <= limits::kSqlTextBytesMax) return {.text = std::move(text)};
  sql::Statement statement;
  SqlScanner scanner;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool was_literal = scanner.in_literal();
    scanner.feed(text[at]);
    if (was_literal || !scanner.in_literal()) {
      statement.text += text[at];
      continue;
    }
    const size_t end = literal_end(text, at);
    if (end == text.npos) return {.text = std::move(text)};
    const std::string_view between(text.data() + at + 1, end - at - 2);
    const bool is_blob = at > 0 && (text[at - 1] == 'x' || text[at - 1] == 'X');
    const auto value = is_blob ? blob_of(between) : std::optional(text_of(between));
    if (value && between.size() >= kLiteralBytesMin) {
      if (is_blob) statement.text.pop_back();
      statement.parameters.push_back(*value);
      statement.text += '?';
    } else {
      statement.text.append(text, at, end - at);
    }
    scanner = {};
    at = end - 1;
  }
  return statement;
}

std::string literal(const sql::Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) return real(*number);
  if (const auto* blob = std::get_if<sql::Blob>(&value)) return "x'" + hex(blob->bytes) + "'";
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return "NULL";
  // A statement ends at a zero byte.
  if (text->find('\0') != text->npos) return "CAST(x'" + hex(*text) + "' AS TEXT)";
  std::string quoted = "'";
  for (const char byte : *text) quoted.append(byte == '\'' ? 2 : 1, byte);
  return quoted + "'";
}

std::string quoted_name(const std::string& name) {
  std::string quoted = "\"";
  for (const char byte : name) quoted.append(byte == '"' ? 2 : 1, byte);
  return quoted + "\"";
}

}  // namespace cusp::cli
