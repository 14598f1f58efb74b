#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/app.h"
#include "app/glob.h"
#include "base/result.h"

// What of an application's files matters to `cusp dev`, and for what.
namespace cusp::cli {

struct WatchRule {
  std::string path;  // absolute: a file, or the folder under which things matter
  bool recursive = false;
  std::string component;  // whose build it concerns; empty: loading the app again is enough
  // Of paths relative to `path`; none: `path` and everything below it matters.
  std::optional<app::Glob> glob;

  // Also true for a folder on the way to `path`: it was made, moved or removed.
  bool matches(std::string_view changed) const;
};

// The manifest, `.env`, `others` (what else the app is loaded with), the components' files, mounts,
// and what each build watches; a build without a `watch` list watches src/ and the project files of
// the usual toolchains. Errors: kInvalidArgument for a malformed pattern.
Result<std::vector<WatchRule>> watch_rules(const app::App& app,
                                           const std::vector<std::string>& others);

}  // namespace cusp::cli
