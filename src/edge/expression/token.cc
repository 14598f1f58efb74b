#include "edge/expression/token.h"

#include <array>
#include <cctype>

#include <fmt/format.h>

namespace cusp::edge::expression {

namespace {

constexpr std::array kSymbols = std::to_array<std::string_view>(
    {"==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ","});

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What "\n" and its like stand for; 0: no escape of ours.
char unescape(char c) {
  switch (c) {
    case '"':
    case '\\': return c;
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

}  // namespace

std::unexpected<Error> fail_at(size_t column, std::string message) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} at column {} of the expression", message, column));
}

Result<Token> Tokenizer::next() {
  while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  const size_t start = at_;
  if (start == text_.size()) return Token{.column = start + 1};
  const std::string_view rest = text_.substr(start);
  if (rest[0] == '"') return read_text(start);
  if (rest.starts_with("r\"")) return read_raw_text(start);
  const auto take = [&](Token::Kind kind, auto belongs) {
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return Token{kind, std::string(text_.substr(start, at_ - start)), start + 1};
  };
  if (starts_name(rest[0])) {
    return take(Token::Kind::kName, [](char c) { return starts_name(c) || is_digit(c); });
  }
  if (is_digit(rest[0])) return take(Token::Kind::kNumber, is_digit);
  for (const std::string_view symbol : kSymbols) {
    if (!rest.starts_with(symbol)) continue;
    at_ += symbol.size();
    return Token{Token::Kind::kSymbol, std::string(symbol), start + 1};
  }
  if (rest[0] == '\'')
    return fail_at(start + 1, "a text stands in double quotes, not single ones,");
  if (rest[0] == '=') return fail_at(start + 1, "'=' compares nothing; write '=='");
  return fail_at(start + 1, "a character that means nothing here");
}

Result<Token> Tokenizer::read_text(size_t start) {
  Token token{Token::Kind::kText, {}, start + 1};
  for (at_ = start + 1; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return token;
    }
    if (c != '\\') {
      token.text += c;
      continue;
    }
    const char meant = at_ + 1 < text_.size() ? unescape(text_[at_ + 1]) : '\0';
    if (meant == 0) {
      return fail_at(at_ + 1, R"(an unknown escape (known: \" \\ \n \r \t; a pattern: r"…"))");
    }
    token.text += meant;
    ++at_;
  }
  return fail_at(start + 1, "a text without its closing quote");
}

Result<Token> Tokenizer::read_raw_text(size_t start) {
  const size_t first = start + 2;
  const size_t quote = text_.find('"', first);
  if (quote == text_.npos) return fail_at(start + 1, "a text without its closing quote");
  at_ = quote + 1;
  return Token{Token::Kind::kText, std::string(text_.substr(first, quote - first)), start + 1};
}

}  // namespace cusp::edge::expression
