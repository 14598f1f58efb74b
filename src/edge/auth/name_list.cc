#include "edge/auth/name_list.h"

#include <filesystem>

#include <fmt/format.h>

#include "edge/cache/text.h"
#include "http/fields.h"

namespace cusp::edge {

namespace {

constexpr size_t kFileBytesMax = 8 * 1024 * 1024;

void add(std::map<std::string, std::string>& list, const Value& value, std::string name,
         std::string text) {
  if (name.empty() || !http::valid_field_value(name) || text.empty()) {
    value.error(fmt::format("'{}' is not a name with something to it", name));
  } else if (!list.emplace(name, std::move(text)).second) {
    value.error(fmt::format("'{}' is there twice", name));
  }
}

void read_lines(std::map<std::string, std::string>& list, const Value& value,
                std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = cache::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const size_t colon = line.find(':');
    const bool whole = colon == line.npos;
    add(list, value, std::string(line.substr(0, colon)),
        whole ? "" : std::string(line.substr(colon + 1)));
  }
}

}  // namespace

std::map<std::string, std::string> read_name_list(TableReader& table, std::string_view key,
                                                  const std::string& directory) {
  std::map<std::string, std::string> list;
  if (auto names = table.table(key)) {
    for (const auto& entry : names->entries()) {
      add(list, entry.value, entry.key, entry.value.string().value_or(""));
    }
  }
  if (const auto value = table.value(fmt::format("{}_file", key))) {
    const auto path = std::filesystem::path(directory) / value->string().value_or("");
    if (const auto text = read_text_file(path, kFileBytesMax)) {
      read_lines(list, *value, *text);
    } else {
      value->error(text.error().to_string());
    }
  }
  if (list.empty()) table.error(fmt::format("{} needs '{}' or '{}_file'", table.what(), key, key));
  return list;
}

}  // namespace cusp::edge
