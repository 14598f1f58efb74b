#include "edge/cache/text.h"

#include <algorithm>

namespace cusp::edge::cache {

using std::string_view;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string to_lower(string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool equal_ignoring_case(string_view a, string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

string_view trim(string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

string_view take_member(string_view& list, char separator) {
  bool quoted = false;
  size_t end = 0;
  for (; end < list.size(); ++end) {
    const char c = list[end];
    if (quoted && c == '\\') {
      ++end;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      break;
    }
  }
  end = std::min(end, list.size());
  const string_view member = trim(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return member;
}

std::vector<std::string> lower_members(string_view list, size_t max) {
  std::vector<std::string> members;
  while (!list.empty() && members.size() < max) {
    const string_view member = take_member(list);
    if (!member.empty()) members.push_back(to_lower(member));
  }
  return members;
}

std::string unquote(string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

bool matches_wildcard(string_view pattern, string_view text) {
  // Goes back to the last "*" when the rest does not fit: linear for one star, never exponential.
  size_t p = 0;
  size_t t = 0;
  size_t star = pattern.npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace cusp::edge::cache
