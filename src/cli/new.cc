#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/templates.h"
#include "cli/terminal.h"

namespace cusp::cli {

namespace {

struct NewOptions {
  std::string template_name;
  std::string path;
  bool list = false;
  bool json = false;
};

constexpr const char* kFooter = R"(Examples:
  cusp new --list
  cusp new http-rust my-app
  cusp new http-cpp apps/front && cusp dev apps/front

Exit codes: 0 done; 1 the folder is already there; 2 the name cannot be a project's; 3 there is no
such template; 4 or 5 the folder cannot be written.)";

Result<> list(bool json) {
  if (json) {
    auto array = nlohmann::json::array();
    for (const auto& one : templates())
      array.push_back({{"name", one.name}, {"description", one.description}});
    fmt::print("{}\n", array.dump(2));
    return {};
  }
  for (const auto& one : templates()) {
    fmt::print("{}  {}\n", styled(Style::kBold, fmt::format("{:<14}", one.name)), one.description);
  }
  return {};
}

Result<> create(const NewOptions& options) {
  if (options.list) return list(options.json);
  if (options.template_name.empty() || options.path.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "give a template and a name: `cusp new http-rust my-app`; `cusp new --list` tells "
                "the templates");
  }
  CUSP_TRY(const Template* source, find_template(options.template_name));
  const auto folder = std::filesystem::path(options.path).lexically_normal();
  const auto named = folder.has_filename() ? folder : folder.parent_path();
  const std::string name = named.filename().string();
  CUSP_CHECK(create_project(*source, name, named.string()));
  if (options.json) {
    fmt::print(
        "{}\n",
        nlohmann::json{{"name", name}, {"template", source->name}, {"folder", named.string()}}.dump(
            2));
    return {};
  }
  fmt::print(
      "{} in {}: {}\n\nNext:\n  cd {}\n  cusp dev      # builds, serves, and again after "
      "every change\n\nREADME.md says what the toolchain needs; `cusp doctor` checks it.\n",
      styled(Style::kGreen, "created"), styled(Style::kBold, named.string()), source->description,
      named.string());
  return {};
}

}  // namespace

void add_new(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<NewOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand("new", "Start a project from a template");
  command->add_option("template", options->template_name, "The template's name: see --list");
  command->add_option("name", options->path,
                      "The project's folder; its last part is the project's name");
  command->add_flag("--list", options->list, "List the templates");
  command->add_flag("--json", options->json, "Print JSON instead of text");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return create(*options); }; });
}

}  // namespace cusp::cli
