#include <filesystem>

#include <fmt/format.h>

#include "edge/assets/assets.h"
#include "edge/assets/path.h"

namespace cusp::edge {

namespace {

constexpr std::string_view kImmutable = "public, max-age=31536000, immutable";

// The name of a file below the root.
std::string read_file_name(TableReader& table, std::string_view key, std::string_view fallback) {
  const auto value = table.value(key);
  if (!value) return std::string(fallback);
  std::string name = value->string().value_or("");
  const auto path = parse_asset_path(name, true);
  if (name.empty() || !path || path->is_folder || name.starts_with('/')) {
    value->error(fmt::format("'{}' is not the name of a file below the folder of assets", name));
  }
  return name;
}

void check_field_value(const Value& value, std::string_view text) {
  if (text.empty() || !http::valid_field_value(text)) {
    value.error(fmt::format("the value of '{}' cannot stand in a header field", value.name()));
  }
}

std::vector<std::pair<std::string, std::string>> read_pairs(TableReader& reader) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& entry : reader.entries()) {
    std::string text = entry.value.string().value_or("");
    check_field_value(entry.value, text);
    pairs.emplace_back(entry.key, std::move(text));
  }
  return pairs;
}

void read_cache_control(TableReader& table, AssetOptions& options) {
  for (std::string& pattern : table.strings("immutable")) {
    options.cache_control.emplace_back(std::move(pattern), kImmutable);
  }
  const auto value = table.value("cache_control");
  if (!value) return;
  if (value->is_string()) {
    std::string text = value->string().value_or("");
    check_field_value(*value, text);
    options.cache_control.emplace_back("*", std::move(text));
  } else if (auto reader = value->table("the table 'cache_control'")) {
    for (auto& pair : read_pairs(*reader)) options.cache_control.push_back(std::move(pair));
  }
}

void read_types(TableReader& table, AssetOptions& options) {
  auto reader = table.table("types");
  if (!reader) return;
  options.types = read_pairs(*reader);
  for (const auto& [ending, _] : options.types) {
    if (ending.size() < 2 || !ending.starts_with('.')) {
      reader->error(
          fmt::format("'{}' in 'types' is not the end of a name, such as \".foo\"", ending));
    }
  }
}

void read_table(TableReader& table, AssetOptions& options) {
  options.root = table.required_string("root");
  options.index = read_file_name(table, "index", options.index);
  options.fallback = read_file_name(table, "fallback", "");
  options.not_found = read_file_name(table, "not_found", "");
  options.precompressed = table.boolean("precompressed").value_or(true);
  options.dotfiles = table.boolean("dotfiles").value_or(false);
  read_cache_control(table, options);
  read_types(table, options);
  table.finish();
}

}  // namespace

std::shared_ptr<const Assets> read_assets(const Value& value, const FeatureContext& context) {
  AssetOptions options;
  if (value.is_string()) {
    options.root = value.string().value_or("");
  } else if (value.is_table()) {
    auto table = value.table("the table 'assets'");
    read_table(*table, options);
  } else {
    value.wrong_type("a folder or a table");
    return nullptr;
  }
  if (options.root.empty()) return nullptr;
  options.root = (std::filesystem::path(context.directory) / options.root).lexically_normal();
  std::error_code ignored;
  if (!std::filesystem::is_directory(options.root, ignored)) {
    value.error(fmt::format("there is no folder '{}'; build the assets first, or mend the path",
                            options.root));
    return nullptr;
  }
  if (context.blocking == nullptr) {
    value.error("'assets' needs the node's threads for files, and this is not a node");
    return nullptr;
  }
  return std::make_shared<const Assets>(std::move(options), *context.blocking);
}

}  // namespace cusp::edge
