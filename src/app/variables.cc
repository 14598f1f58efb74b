#include "app/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <mutex>

#include "app/dotenv.h"
#include "app/template.h"
#include "base/suggest.h"
#include "base/table_reader.h"

namespace cusp::app {
namespace {

using Providers = std::vector<std::unique_ptr<VariableProvider>>;

class EnvironmentProvider final : public VariableProvider {
 public:
  EnvironmentProvider(std::string prefix, std::string dotenv_path)
      : prefix_(std::move(prefix)), dotenv_path_(std::move(dotenv_path)) {}

  Result<std::optional<std::string>> get(const std::string& name) const override {
    std::string key = prefix_;
    for (unsigned char c : name) key += static_cast<char>(std::toupper(c));
    if (const char* value = std::getenv(key.c_str())) return value;
    if (dotenv_path_.empty()) return std::nullopt;
    std::call_once(dotenv_read_, [this] { dotenv_ = read_dotenv(dotenv_path_); });
    if (!dotenv_) return std::unexpected(dotenv_.error());
    auto found = dotenv_->find(key);
    if (found == dotenv_->end()) return std::nullopt;
    return found->second;
  }

 private:
  std::string prefix_;
  std::string dotenv_path_;
  mutable std::once_flag dotenv_read_;
  mutable Result<std::map<std::string, std::string>> dotenv_;
};

class MapProvider final : public VariableProvider {
 public:
  explicit MapProvider(std::map<std::string, std::string> values) : values_(std::move(values)) {}

  Result<std::optional<std::string>> get(const std::string& name) const override {
    auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::map<std::string, std::string> values_;
};

Result<std::string> resolve_variable(const App& app, const std::string& name,
                                     const Providers& providers) {
  auto declared = app.variables.find(name);
  if (declared == app.variables.end()) {
    std::vector<std::string> names;
    for (const auto& [known, variable] : app.variables) names.push_back(known);
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the variable '{}' is not in [variables]{}", name, suggest(name, names)),
        app.manifest_path);
  }
  for (const auto& provider : providers) {
    CUSP_TRY(auto value, provider->get(name));
    if (value) return std::move(*value);
  }
  if (declared->second.default_value) return *declared->second.default_value;
  std::string upper;
  for (unsigned char c : name) upper += static_cast<char>(std::toupper(c));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the variable '{}' is required and has no value; pass --variable "
                          "{}=VALUE, set CUSP_VARIABLE_{}, or run `cusp secret set {} {}`",
                          name, name, upper, app.name, name),
              app.manifest_path);
}

// Adds to an error which component asked.
std::unexpected<Error> for_component(Error error, const Component& component) {
  error.message = fmt::format("component '{}': {}", component.id, error.message);
  error.context = component.place;
  return std::unexpected(std::move(error));
}

}  // namespace

std::unique_ptr<VariableProvider> make_environment_provider(std::string prefix,
                                                            std::string dotenv_path) {
  return std::make_unique<EnvironmentProvider>(std::move(prefix), std::move(dotenv_path));
}

std::unique_ptr<VariableProvider> make_map_provider(std::map<std::string, std::string> values) {
  return std::make_unique<MapProvider>(std::move(values));
}

Result<std::string> resolve_template(const App& app, std::string_view text,
                                     const Providers& providers) {
  CUSP_TRY(auto parts, parse_template(text));
  std::string resolved;
  for (const TemplatePart& part : parts) {
    if (!part.is_variable) {
      resolved += part.text;
      continue;
    }
    CUSP_TRY(std::string value, resolve_variable(app, part.text, providers));
    resolved += value;
  }
  return resolved;
}

Result<std::map<std::string, std::string>> resolve_variables(const App& app,
                                                             const Component& component,
                                                             const Providers& providers) {
  std::map<std::string, std::string> resolved;
  for (const auto& [name, text] : component.variables) {
    auto value = resolve_template(app, text, providers);
    if (!value) return for_component(std::move(value).error(), component);
    resolved.emplace(name, std::move(*value));
  }
  return resolved;
}

Result<std::vector<std::string>> resolve_outbound_hosts(const App& app, const Component& component,
                                                        const Providers& providers) {
  std::vector<std::string> resolved;
  for (const std::string& text : component.allowed_outbound_hosts) {
    auto value = resolve_template(app, text, providers);
    if (!value) return for_component(std::move(value).error(), component);
    bool is_empty = value->empty() || *value == "http://" || *value == "https://";
    if (!is_empty || *value == text) resolved.push_back(std::move(*value));
  }
  return resolved;
}

}  // namespace cusp::app
