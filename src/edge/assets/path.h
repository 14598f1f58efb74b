#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cusp::edge {

// The file that a request's path names, below a root.
struct AssetPath {
  std::string relative;    // "docs/intro.html"; "" for the root itself
  bool is_folder = false;  // it ended with "/"
};

// Reads a path as it stands in a request, below the route's own. Nothing for one that no file is
// served under: with an empty, "." or ".." segment, a slash or NUL in disguise, or, unless
// `dotfiles`, a segment that begins with a dot (".well-known" is public, RFC 8615).
std::optional<AssetPath> parse_asset_path(std::string_view path, bool dotfiles);

}  // namespace cusp::edge
