#include "app/template.h"

#include <fmt/format.h>

#include <algorithm>

namespace cusp::app {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

Result<std::vector<TemplatePart>> parse_template(std::string_view text) {
  std::vector<TemplatePart> parts;
  while (!text.empty()) {
    size_t open = std::min(text.find("{{"), text.size());
    if (open > 0) parts.push_back({false, std::string(text.substr(0, open))});
    text.remove_prefix(open);
    if (text.empty()) break;
    size_t close = text.find("}}", 2);
    if (close == std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' has no closing '}}}}'", text));
    }
    parts.push_back({true, std::string(trim(text.substr(2, close - 2)))});
    text.remove_prefix(close + 2);
  }
  return parts;
}

}  // namespace cusp::app
