#include "cli/watch_rules.h"

#include <fmt/format.h>

#include <filesystem>

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kUsualSources = {"src/**/*",     "wit/**/*",      "Cargo.toml",
                                                "package.json", "go.mod",        "*.go",
                                                "Makefile",     "CMakeLists.txt"};

bool is_below(std::string_view path, std::string_view folder) {
  if (folder.ends_with('/')) folder.remove_suffix(1);
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// Without the "/" at the end that fs::path keeps for folders.
std::string normal(const fs::path& path) {
  std::string text = path.lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// "/app" and "src/**/*.rs": watches /app/src and below for "**/*.rs".
Result<WatchRule> glob_rule(const std::string& root, const std::string& pattern,
                            const std::string& component, const std::string& place) {
  fs::path base = root;
  fs::path rest;
  for (const auto& segment : fs::path(pattern).lexically_normal()) {
    if (rest.empty() && !app::Glob::is_pattern(segment.string())) {
      base /= segment;
    } else {
      rest /= segment;
    }
  }
  WatchRule rule{.path = normal(base), .component = component};
  if (rest.empty()) return rule;
  auto glob = app::Glob::create(rest.string(), app::Glob::Slash::kOnlyLiteral);
  if (!glob) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' in 'watch': {}", pattern, glob.error().message), place);
  }
  rule.recursive = rest.has_parent_path() || rest == "**";
  rule.glob = std::move(*glob);
  return rule;
}

WatchRule file_rule(const std::string& path) { return {.path = normal(path)}; }

Result<> add_component_rules(const app::Component& component, std::vector<WatchRule>& rules) {
  if (!component.source.path.empty()) rules.push_back(file_rule(component.source.path));
  for (const auto& dependency : component.dependencies) {
    if (!dependency.source.path.empty()) rules.push_back(file_rule(dependency.source.path));
  }
  for (const auto& mount : component.files) {
    std::error_code ignored;
    WatchRule rule = file_rule(mount.source);
    rule.recursive = fs::is_directory(rule.path, ignored);
    rules.push_back(std::move(rule));
  }
  if (!component.build) return {};
  const auto& watch = component.build->watch.empty() ? kUsualSources : component.build->watch;
  for (const auto& pattern : watch) {
    CUSP_TRY(WatchRule rule,
             glob_rule(component.build->directory, pattern, component.id, component.place));
    rules.push_back(std::move(rule));
  }
  return {};
}

}  // namespace

bool WatchRule::matches(std::string_view changed) const {
  if (changed == path || is_below(path, changed)) return true;
  if (!is_below(changed, path)) return false;
  return !glob || glob->matches(changed.substr(path == "/" ? 1 : path.size() + 1));
}

Result<std::vector<WatchRule>> watch_rules(const app::App& app,
                                           const std::vector<std::string>& others) {
  std::vector<WatchRule> rules = {file_rule(app.manifest_path), file_rule(app.directory + "/.env")};
  for (const auto& path : others) rules.push_back(file_rule(fs::absolute(path).string()));
  for (const auto& component : app.components) CUSP_CHECK(add_component_rules(component, rules));
  for (const auto& database : app.databases) {
    if (!database.migrations.empty()) rules.push_back(file_rule(database.migrations));
  }
  return rules;
}

}  // namespace cusp::cli
