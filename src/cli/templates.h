#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

// The templates of sdk/templates, which the build puts into the binary (tools/embed.py), and how a
// project starts from one. Blocking.
namespace cusp::cli {

struct TemplateFile {
  std::string_view path;  // relative, with "/"
  std::string_view contents;
  bool executable;
};

struct Template {
  std::string_view name;         // "http-rust"
  std::string_view description;  // of its cusp.toml
  std::span<const TemplateFile> files;
};

// In the order of their names. Defined by the generated source.
std::span<const Template> templates();

// Errors: kNotFound with the nearest name.
Result<const Template*> find_template(std::string_view name);

// Whether `name` can be a project's: lower-case words of letters and digits that begin with a
// letter, joined by single hyphens. Errors: kInvalidArgument with what is wrong.
Result<> check_project_name(std::string_view name);

// Writes the template's files below `folder`, which must be absent or empty, with `name` in place
// of "{{project-name}}". Errors: kAlreadyExists, kPermissionDenied, kUnavailable; those of
// check_project_name().
Result<> create_project(const Template& source, std::string_view name, const std::string& folder);

}  // namespace cusp::cli
