#include "store/sql/split.h"

#include <algorithm>

namespace cusp::store::sql {

namespace {

constexpr std::string_view kSpace = " \t\r\n\f";

bool is_word(char c) {
  const auto code = static_cast<unsigned char>(c);
  return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') ||
         (code >= 'A' && code <= 'Z') || code == '_' || code >= 0x80;
}

std::string lower(std::string_view word) {
  std::string text(word);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return text;
}

// Follows one statement, word by word, as far as needed to tell a trigger: its body has semicolons
// of its own, and ends with "; END;" as SQLite sees it too (sqlite3_complete).
class Statement {
 public:
  void word(std::string_view text) {
    const std::string name = lower(text);
    end_ = after_semicolon_ && name == "end";
    after_semicolon_ = false;
    switch (state_) {
      case State::kStart:
        if (name == "create")
          state_ = State::kCreate;
        else if (name != "explain")
          state_ = State::kPlain;
        break;
      case State::kCreate:
        if (name == "trigger")
          state_ = State::kTrigger;
        else if (name != "temp" && name != "temporary")
          state_ = State::kPlain;
        break;
      default: break;
    }
    empty_ = false;
  }
  void other() {
    after_semicolon_ = end_ = empty_ = false;
    if (state_ == State::kStart || state_ == State::kCreate) state_ = State::kPlain;
  }
  // Whether this is the end of the statement.
  bool semicolon() {
    if (state_ != State::kTrigger || end_) return true;
    after_semicolon_ = true;
    return false;
  }
  bool empty() const { return empty_; }
  bool in_trigger() const { return state_ == State::kTrigger && !end_; }

 private:
  enum class State : uint8_t { kStart, kCreate, kTrigger, kPlain };
  State state_ = State::kStart;
  bool after_semicolon_ = false;
  bool end_ = false;  // the last word was END, behind a semicolon
  bool empty_ = true;
};

// Where a quote or comment that begins at `at` ends; npos: it does not; `at`: there is none.
size_t skip(std::string_view text, size_t at) {
  const auto behind = [&](std::string_view end, size_t from) {
    const size_t found = text.find(end, from);
    return found == text.npos ? found : found + end.size();
  };
  switch (text[at]) {
    case '\'':
    case '"':
    case '`': return behind(text.substr(at, 1), at + 1);
    case '[': return behind("]", at + 1);
    case '-':
      return text.substr(at).starts_with("--") ? std::min(behind("\n", at), text.size()) : at;
    case '/': return text.substr(at).starts_with("/*") ? behind("*/", at + 2) : at;
    default: return at;
  }
}

}  // namespace

Result<std::vector<std::string>> split_statements(std::string_view text) {
  std::vector<std::string> statements;
  Statement statement;
  size_t begin = 0;
  const auto finish = [&](size_t end) {
    if (!statement.empty()) statements.emplace_back(text.substr(begin, end - begin));
    statement = {};
    begin = end;
  };
  for (size_t at = 0; at < text.size();) {
    const size_t behind = skip(text, at);
    if (behind == text.npos) {
      return fail(ErrorCode::kInvalidArgument, "the text ends within a quote or a comment");
    }
    if (behind > at) {
      if (text[at] != '-' && text[at] != '/') statement.other();
      at = behind;
    } else if (is_word(text[at])) {
      const size_t word = at;
      while (at < text.size() && is_word(text[at])) ++at;
      statement.word(text.substr(word, at - word));
    } else if (text[at++] == ';') {
      if (statement.semicolon()) finish(at);
    } else if (kSpace.find(text[at - 1]) == kSpace.npos) {
      statement.other();
    }
  }
  if (statement.in_trigger()) {
    return fail(ErrorCode::kInvalidArgument, "the text ends within a trigger");
  }
  finish(text.size());
  return statements;
}

}  // namespace cusp::store::sql
