#include "cli/templates.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "app/identifiers.h"
#include "base/file.h"
#include "base/suggest.h"

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlaceholder = "{{project-name}}";

std::string filled(std::string_view contents, std::string_view name) {
  std::string result;
  size_t from = 0;
  for (size_t at; (at = contents.find(kPlaceholder, from)) != contents.npos;) {
    result += contents.substr(from, at - from);
    result += name;
    from = at + kPlaceholder.size();
  }
  return result += contents.substr(from);
}

std::unexpected<Error> cannot_create(const fs::path& path, const std::error_code& why) {
  const ErrorCode code =
      why == std::errc::permission_denied ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable;
  return fail(code, fmt::format("cannot create it: {}", why.message()), path.string());
}

}  // namespace

Result<const Template*> find_template(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& one : templates()) {
    if (one.name == name) return &one;
    names.emplace_back(one.name);
  }
  return fail(ErrorCode::kNotFound, fmt::format("there is no template '{}'{}; `cusp new --list` "
                                                "tells what each is for",
                                                name, suggest(name, names)));
}

Result<> check_project_name(std::string_view name) {
  std::string problem = app::check_kebab_id(name);
  if (problem.empty() && name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != name.npos)
    problem = "write it in lower case";
  if (problem.empty()) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' cannot be a project's name: {}; such as 'my-app'", name, problem));
}

Result<> create_project(const Template& source, std::string_view name, const std::string& folder) {
  CUSP_CHECK(check_project_name(name));
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error)) &&
      (!fs::is_directory(folder, error) || !fs::is_empty(folder, error))) {
    return fail(ErrorCode::kAlreadyExists,
                "it is already there and not an empty folder; take another name, or remove it",
                folder);
  }
  for (const auto& file : source.files) {
    const fs::path target = fs::path(folder) / file.path;
    fs::create_directories(target.parent_path(), error);
    if (error) return cannot_create(target.parent_path(), error);
    CUSP_CHECK(
        write_file(target.string(), filled(file.contents, name), file.executable ? 0755 : 0644));
  }
  return {};
}

}  // namespace cusp::cli
