#include "edge/assets/path.h"

#include <algorithm>

#include "edge/percent.h"

namespace cusp::edge {

namespace {

bool is_served(std::string_view segment, bool dotfiles) {
  if (segment.empty() || segment == "." || segment == "..") return false;
  if (segment.find('/') != segment.npos || segment.find('\0') != segment.npos) return false;
  return dotfiles || !segment.starts_with('.') || segment == ".well-known";
}

}  // namespace

std::optional<AssetPath> parse_asset_path(std::string_view path, bool dotfiles) {
  AssetPath parsed;
  parsed.is_folder = path.ends_with('/');
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    // Decoded once, after it has been split: what "%2F" stands for separates nothing.
    const std::string segment = percent_decode(path.substr(0, end));
    if (!is_served(segment, dotfiles) || end + 1 == path.size()) return std::nullopt;
    if (!parsed.relative.empty()) parsed.relative += '/';
    parsed.relative += segment;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parsed;
}

}  // namespace cusp::edge
