#include "app/dotenv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/table_reader.h"

namespace cusp::app {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kExport = "export ";

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_name(std::string_view text) {
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::ranges::all_of(
             text, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
}

// A comment, or nothing, is all that may follow a closing quote.
bool is_end(std::string_view text) {
  text = trim(text);
  return text.empty() || text.starts_with('#');
}

std::optional<std::string> parse_double_quoted(std::string_view text) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return is_end(text.substr(i + 1)) ? std::optional(value) : std::nullopt;
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    switch (text[i]) {
      case 'n': value += '\n'; break;
      case 't': value += '\t'; break;
      case 'r': value += '\r'; break;
      case '"':
      case '\\':
      case '$':
      case '\'': value += text[i]; break;
      default: return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<std::string> parse_value(std::string_view text) {
  if (text.starts_with('"')) return parse_double_quoted(text.substr(1));
  if (text.starts_with('\'')) {
    size_t end = text.find('\'', 1);
    if (end == std::string_view::npos || !is_end(text.substr(end + 1))) return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  if (text.starts_with('#')) return std::string();
  return std::string(trim(text.substr(0, text.find(" #"))));
}

}  // namespace

Result<std::map<std::string, std::string>> parse_dotenv(std::string_view text,
                                                        const std::string& file) {
  std::map<std::string, std::string> values;
  int number = 0;
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = trim(text.substr(start, end - start));
    start = end + 1;
    ++number;
    if (line.starts_with(kExport)) line = trim(line.substr(kExport.size()));
    if (line.empty() || line.starts_with('#')) continue;
    size_t equals = line.find('=');
    std::string_view name = trim(line.substr(0, equals));
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = parse_value(trim(line.substr(equals + 1)));
    // The line itself is not shown: it may hold a secret.
    if (!is_name(name) || !value) {
      return fail(ErrorCode::kInvalidArgument, "this line is not of the form NAME=value",
                  fmt::format("{}:{}", file, number));
    }
    values.emplace(name, std::move(*value));
  }
  return values;
}

Result<std::map<std::string, std::string>> read_dotenv(const std::string& path) {
  auto text = read_text_file(path, kManifestBytesMax);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return std::map<std::string, std::string>{};
  }
  if (!text) return std::unexpected(std::move(text).error());
  return parse_dotenv(*text, path);
}

}  // namespace cusp::app
