#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/app.h"
#include "base/suggest.h"
#include "cli/builds.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "cli/terminal.h"

namespace cusp::cli {

namespace {

struct BuildOptions {
  std::string path = ".";
  std::string profile;
  std::vector<std::string> components;  // empty: all
};

constexpr const char* kFooter = R"(Examples:
  cusp build
  cusp build apps/shop --component catalog

Exit codes: 0 built; 2 the manifest is wrong or a command failed; 3 there is no such folder,
component, or, after the build, no file where the manifest says; 1 interrupted.)";

Result<> check_names(const app::App& app, const std::vector<std::string>& wanted) {
  for (const auto& name : wanted) {
    if (app.find_component(name) != nullptr) continue;
    std::vector<std::string> names;
    for (const auto& component : app.components) names.push_back(component.id);
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no component '{}'{}", name, suggest(name, names)),
                app.manifest_path);
  }
  return {};
}

Result<> build(const BuildOptions& options) {
  Signals signals({SIGINT, SIGTERM});
  CUSP_TRY(const app::App app, app::load_app(options.path, {.profile = options.profile}));
  CUSP_CHECK(check_names(app, options.components));
  size_t built = 0;
  for (const auto& component : app.components) {
    const bool wanted =
        options.components.empty() ||
        std::ranges::find(options.components, component.id) != options.components.end();
    if (!wanted || !component.build) continue;
    CUSP_CHECK(run_build(component, Output::kInherit, signals.descriptor()));
    ++built;
  }
  if (built == 0) {
    print_progress("nothing to build: no component has a `build` command in the manifest");
  }
  if (!options.components.empty()) return {};
  return app::check_sources(app);
}

}  // namespace

void add_build(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<BuildOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand("build", "Run the build commands of an application");
  command->add_option("path", options->path, "A manifest, or a folder with one")
      ->capture_default_str();
  command->add_option("--component", options->components, "Build only this one; may be repeated");
  command->add_option("--profile", options->profile, "The manifest's profile to use");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return build(*options); }; });
}

}  // namespace cusp::cli
