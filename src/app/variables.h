#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/app.h"
#include "base/result.h"

namespace cusp::app {

// Where values of application variables come from, asked in the order given; the manifest's default
// is last.
class VariableProvider {
 public:
  virtual ~VariableProvider() = default;
  // The value of the application variable `name`, nothing when this provider has none.
  virtual Result<std::optional<std::string>> get(const std::string& name) const = 0;
};

// Environment variables `prefix` + NAME in upper case (Spin's prefix is "SPIN_VARIABLE_", ours
// "CUSP_VARIABLE_"), then lines `PREFIX_NAME=value` of the file `dotenv_path`, read once at the
// first need; an absent file is no error. Thread-safe.
std::unique_ptr<VariableProvider> make_environment_provider(std::string prefix,
                                                            std::string dotenv_path = {});
// Values given on the command line (--variable name=value).
std::unique_ptr<VariableProvider> make_map_provider(std::map<std::string, std::string> values);

// Where a server of HashiCorp's Vault API has the values: secrets of its engine "KV version 2" that
// are named like the variable, with the member `value`.
struct VaultOptions {
  std::string url;     // "https://vault.example:8200"
  std::string token;   // of who may read them
  std::string mount;   // the engine's path
  std::string prefix;  // of the names, a path; may be empty
};
using VaultFactory = std::function<std::unique_ptr<VariableProvider>(VaultOptions)>;

// Resolves every template of one component: its variables, environment-independent. Names in lower
// case with underscores. Errors: kInvalidArgument naming the variable, the component and how to set
// it.
Result<std::map<std::string, std::string>> resolve_variables(
    const App& app, const Component& component,
    const std::vector<std::unique_ptr<VariableProvider>>& providers);

// Resolves the templates in a component's allowed_outbound_hosts, ready for OutboundPolicy::create.
// An entry whose variables leave nothing ("", "http://", "https://") is dropped, so that an
// optional endpoint may stay empty. Errors as above.
Result<std::vector<std::string>> resolve_outbound_hosts(
    const App& app, const Component& component,
    const std::vector<std::unique_ptr<VariableProvider>>& providers);

// Resolves "{{ name }}" in one text.
Result<std::string> resolve_template(
    const App& app, std::string_view text,
    const std::vector<std::unique_ptr<VariableProvider>>& providers);

}  // namespace cusp::app
