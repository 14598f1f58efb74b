#include "app/app.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/files.h"
#include "app/manifest.h"

namespace cusp::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCuspManifest = "cusp.toml";
constexpr std::string_view kSpinManifest = "spin.toml";

// An app of one component that serves every host and path.
App bare_app(const fs::path& path) {
  fs::path absolute = fs::absolute(path).lexically_normal();
  std::string name = absolute.stem().string();
  App app{.kind = ManifestKind::kBare,
          .name = name,
          .manifest_path = absolute.string(),
          .directory = absolute.parent_path().string()};
  app.components.push_back(
      {.id = name, .source = {.path = absolute.string()}, .place = path.string()});
  app.routes.push_back({.pattern = "/...", .component = name, .place = path.string()});
  return app;
}

// Finds the manifest of a folder.
Result<fs::path> find_manifest(const fs::path& folder) {
  std::error_code status;
  for (std::string_view name : {kCuspManifest, kSpinManifest}) {
    if (fs::exists(folder / name, status)) return folder / name;
  }
  return fail(ErrorCode::kNotFound, fmt::format("the folder '{}' has neither {} nor {}",
                                                folder.string(), kCuspManifest, kSpinManifest));
}

// Whether there is a file at the local source of a component or of one of its dependencies.
Result<> check_source(const Component& component, const Source& source, const std::string& what) {
  std::error_code status;
  if (source.path.empty() || fs::is_regular_file(source.path, status)) return {};
  return fail(ErrorCode::kNotFound,
              fmt::format("{} has no file at '{}'; {}", what, source.path,
                          component.build ? "run `cusp build`" : "build it, or correct its path"),
              component.place);
}

Result<> check_component(const Component& component) {
  CUSP_CHECK(
      check_source(component, component.source, fmt::format("the component '{}'", component.id)));
  for (const Dependency& dependency : component.dependencies) {
    CUSP_CHECK(check_source(component, dependency.source,
                            fmt::format("the dependency '{}' of the component '{}'",
                                        dependency.import_name, component.id)));
  }
  return {};
}

Result<App> load_manifest(const fs::path& path, const LoadOptions& options) {
  CUSP_TRY(std::string text, read_text_file(path.string(), kManifestBytesMax));
  // A manifest by any other name tells by its first duty which kind it is.
  bool is_spin =
      path.filename() == kSpinManifest ||
      (path.filename() != kCuspManifest && text.find("spin_manifest_version") != std::string::npos);
  auto parse = is_spin ? parse_spin_manifest : parse_cusp_manifest;
  CUSP_TRY(App app, parse(text, path.string(), options));
  for (const Component& component : app.components) {
    if (!component.build) CUSP_CHECK(check_component(component));
  }
  CUSP_CHECK(expand_files(app));
  return app;
}

}  // namespace

const Component* App::find_component(std::string_view id) const {
  auto found = std::ranges::find(components, id, &Component::id);
  return found == components.end() ? nullptr : &*found;
}

Result<> check_sources(const App& app) {
  for (const Component& component : app.components) CUSP_CHECK(check_component(component));
  return {};
}

Result<App> load_app(const std::string& path, const LoadOptions& options) {
  std::error_code status;
  fs::path target(path);
  fs::file_status kind = fs::status(target, status);
  if (!fs::exists(kind)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no '{}'; give a .wasm or .wat file, a manifest or a folder "
                            "with {} or {}",
                            path, kCuspManifest, kSpinManifest));
  }
  if (fs::is_directory(kind)) {
    CUSP_TRY(target, find_manifest(target));
  } else if (target.extension() == ".wasm" || target.extension() == ".wat") {
    return bare_app(target);
  } else if (target.extension() != ".toml") {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is neither a component (.wasm, .wat) nor a manifest (.toml)", path));
  }
  return load_manifest(target, options);
}

}  // namespace cusp::app
