#include "app/glob.h"

#include <fmt/format.h>

#include <algorithm>

namespace cusp::app {

bool Glob::is_pattern(std::string_view text) {
  return text.find_first_of("?*[]") != std::string_view::npos;
}

// Reads "[...]" from `start`, which is behind the "["; answers where it ends.
Result<size_t> Glob::parse_set(std::string_view pattern, size_t start, Token& token) {
  token.kind = Kind::kSet;
  token.negated = start < pattern.size() && pattern[start] == '!';
  if (token.negated) ++start;
  // A "]" right at the start belongs to the set.
  size_t end = pattern.find(']', start + 1);
  if (start >= pattern.size() || end == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the pattern '{}' has a '[' without ']'", pattern));
  }
  for (size_t i = start; i < end; ++i) {
    auto first = static_cast<unsigned char>(pattern[i]);
    bool is_range = i + 2 < end && pattern[i + 1] == '-';
    auto last = is_range ? static_cast<unsigned char>(pattern[i + 2]) : first;
    token.ranges.emplace_back(first, last);
    if (is_range) i += 2;
  }
  return end + 1;
}

Result<Glob> Glob::create(std::string_view pattern, Slash slash) {
  Glob glob;
  glob.slash_ = slash;
  for (size_t i = 0; i < pattern.size();) {
    Token token{.kind = Kind::kLiteral, .literal = pattern[i]};
    if (pattern[i] == '?') {
      token.kind = Kind::kAnyOne;
      ++i;
    } else if (pattern[i] == '[') {
      CUSP_TRY(i, parse_set(pattern, i + 1, token));
    } else if (pattern[i] == '*') {
      size_t end = std::min(pattern.find_first_not_of('*', i), pattern.size());
      bool is_segment =
          (i == 0 || pattern[i - 1] == '/') && (end == pattern.size() || pattern[end] == '/');
      if (end - i > 2 || (end - i == 2 && !is_segment)) {
        return fail(
            ErrorCode::kInvalidArgument,
            fmt::format("in the pattern '{}', '**' must be a path segment of its own", pattern));
      }
      token.kind = end - i == 2 ? Kind::kAnySegments : Kind::kAnyRun;
      i = token.kind == Kind::kAnySegments && end < pattern.size() ? end + 1 : end;
    } else {
      ++i;
    }
    glob.tokens_.push_back(std::move(token));
  }
  return glob;
}

bool Glob::matches_one(const Token& token, char c) const {
  if (token.kind == Kind::kLiteral) return c == token.literal;
  if (c == '/' && slash_ == Slash::kOnlyLiteral) return false;
  if (token.kind == Kind::kAnyOne) return true;
  auto byte = static_cast<unsigned char>(c);
  bool is_in = std::ranges::any_of(
      token.ranges, [&](const auto& range) { return byte >= range.first && byte <= range.second; });
  return is_in != token.negated;
}

// Simulates the automaton whose state i means "tokens before i have matched".
bool Glob::matches(std::string_view path) const {
  std::vector<bool> current(tokens_.size() + 1), next(tokens_.size() + 1);
  current[0] = true;
  for (size_t position = 0;; ++position) {
    bool at_segment_start = position == 0 || path[position - 1] == '/';
    bool at_end = position == path.size();
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (!current[i]) continue;
      if (tokens_[i].kind == Kind::kAnyRun) current[i + 1] = true;
      bool may_pass = at_segment_start || (at_end && i + 1 == tokens_.size());
      if (tokens_[i].kind == Kind::kAnySegments && may_pass) current[i + 1] = true;
    }
    if (at_end) return current[tokens_.size()];
    std::fill(next.begin(), next.end(), false);
    char c = path[position];
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (!current[i]) continue;
      switch (tokens_[i].kind) {
        case Kind::kAnySegments: next[i] = true; break;
        case Kind::kAnyRun:
          if (c != '/' || slash_ == Slash::kAny) next[i] = true;
          break;
        default:
          if (matches_one(tokens_[i], c)) next[i + 1] = true;
      }
    }
    std::swap(current, next);
  }
}

}  // namespace cusp::app
