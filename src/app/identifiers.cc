#include "app/identifiers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cusp::app {
namespace {

constexpr size_t kDigestHexDigits = 64;
constexpr size_t kHostBytesMax = 253;  // RFC 1035 section 2.3.4

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Words of the component model, joined by `delimiter`.
std::string check_words(std::string_view text, char delimiter) {
  if (text.empty()) return "it is empty";
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find(delimiter, start), text.size());
    std::string_view word = text.substr(start, end - start);
    if (word.empty()) return fmt::format("there is an empty word beside a '{}'", delimiter);
    if (!is_lower(word[0]) && !is_upper(word[0])) {
      return fmt::format("each word must start with a letter, not '{}'", word[0]);
    }
    bool is_upper_word = is_upper(word[0]);
    for (char c : word) {
      if (is_digit(c) || (is_upper_word ? is_upper(c) : is_lower(c))) continue;
      if (is_lower(c) || is_upper(c)) return fmt::format("'{}' mixes upper and lower case", word);
      return fmt::format("words of letters and digits must be joined by '{}', not '{}'", delimiter,
                         c);
    }
    start = end + 1;
  }
  return {};
}

std::string check_version(std::string_view text) {
  int dots = 0;
  size_t core_end = std::min(text.find_first_of("-+"), text.size());
  bool expect_digit = true;
  for (char c : text.substr(0, core_end)) {
    if (is_digit(c)) {
      expect_digit = false;
    } else if (c == '.' && !expect_digit) {
      ++dots;
      expect_digit = true;
    } else {
      return fmt::format("'{}' is not a version such as 1.2.3", text);
    }
  }
  if (dots != 2 || expect_digit || core_end + 1 == text.size()) {
    return fmt::format("'{}' is not a version such as 1.2.3", text);
  }
  return {};
}

}  // namespace

std::string check_kebab_id(std::string_view text) { return check_words(text, '-'); }

std::string check_variable_name(std::string_view text) {
  if (text.empty()) return "it is empty";
  for (char c : text) {
    if (is_lower(c) || is_digit(c) || c == '_') continue;
    return fmt::format("'{}' is not a lower-case letter, a digit or an underscore", c);
  }
  if (!is_lower(text.front())) return "it must start with a letter";
  if (text.back() == '_') return "it must not end with an underscore";
  if (text.find("__") != std::string_view::npos) return "it has two underscores in a row";
  return {};
}

std::string check_store_label(std::string_view text) {
  if (check_words(text, '-').empty() || check_words(text, '_').empty()) return {};
  return "it must be in kebab-case or snake_case";
}

std::string check_dependency_name(std::string_view text) {
  if (text.find_first_of(":/") == std::string_view::npos) return check_kebab_id(text);
  size_t at = text.find('@');
  if (at != std::string_view::npos) {
    if (auto problem = check_version(text.substr(at + 1)); !problem.empty()) return problem;
  }
  std::string_view name = text.substr(0, at);
  size_t colon = name.find(':');
  if (colon == std::string_view::npos) return "it needs the form \"namespace:package/interface\"";
  size_t slash = std::min(name.find('/', colon), name.size());
  for (std::string_view word : {name.substr(0, colon), name.substr(colon + 1, slash - colon - 1)}) {
    if (auto problem = check_kebab_id(word); !problem.empty()) return problem;
  }
  return slash == name.size() ? std::string{} : check_kebab_id(name.substr(slash + 1));
}

std::string check_sha256_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!text.starts_with(kPrefix)) return "it must begin with \"sha256:\"";
  text.remove_prefix(kPrefix.size());
  bool is_hex = std::ranges::all_of(
      text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
  if (!is_hex || text.size() != kDigestHexDigits) return "it needs 64 hexadecimal digits";
  return {};
}

std::string check_host_pattern(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.empty() || text.size() > kHostBytesMax) return "it is not a host name";
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find('.', start), text.size());
    if (end == start) return "it has an empty label";
    for (char c : text.substr(start, end - start)) {
      if (is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_') continue;
      if (c == ':') return "it must not have a port";
      return fmt::format("'{}' cannot stand in a host name", c);
    }
    start = end + 1;
  }
  return {};
}

}  // namespace cusp::app
