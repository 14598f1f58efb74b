#include "edge/features/config_file.h"

#include <algorithm>
#include <filesystem>

namespace cusp::edge {

std::optional<std::string> read_config_file(const Value& value, const FeatureContext& context,
                                            size_t bytes_max) {
  const auto name = value.string();
  if (!name) return std::nullopt;
  const auto path = std::filesystem::path(context.directory) / *name;
  auto text = read_text_file(path.lexically_normal().string(), bytes_max);
  if (text) return std::move(*text);
  value.error(text.error().message);
  return std::nullopt;
}

std::vector<ConfigLine> list_lines(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<ConfigLine> lines;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    line = line.substr(0, line.find_last_not_of(kBlank) + 1);
    if (!line.empty()) lines.push_back({line, number});
  }
  return lines;
}

}  // namespace cusp::edge
