#include <fmt/format.h>

#include <limits>

#include "app/identifiers.h"
#include "app/variables.h"
#include "base/suggest.h"
#include "base/table_reader.h"

// Spin's runtime-config.toml: which parts there are, and the variable providers among them.
namespace cusp::app {
namespace {

using Providers = std::vector<std::unique_ptr<VariableProvider>>;

// What an operator may have in the file for Spin, and what Cusp sets elsewhere or serves later.
constexpr std::string_view kOtherKeys[] = {
    "state_dir",   "log_dir",        "max_instance_memory", "key_value_store", "sqlite_database",
    "llm_compute", "outbound_http",  "outbound_networking", "outbound_mqtt",   "outbound_mysql",
    "outbound_pg", "outbound_redis", "client_tls"};

std::string needed_text(TableReader& table, std::string_view key) {
  if (!table.has(key)) table.error(fmt::format("a vault provider needs the key '{}'", key));
  return table.string_or(key, "");
}

VaultOptions read_vault(TableReader& table) {
  VaultOptions options{.url = needed_text(table, "url"),
                       .token = needed_text(table, "token"),
                       .mount = needed_text(table, "mount"),
                       .prefix = table.string_or("prefix", "")};
  const bool http = options.url.starts_with("http://") || options.url.starts_with("https://");
  if (table.has("url") && !http) {
    table.value("url")->error(
        "'url' must be one of http or https, such as "
        "\"https://vault.example:8200\"");
  }
  return options;
}

void read_provider(TableReader& table, const VaultFactory& vault, Providers& providers) {
  auto type = table.value("type");
  auto name = type ? type->string() : std::nullopt;
  if (!type) table.error(fmt::format("{} needs the key 'type'", table.what()));
  if (!name) return;
  if (*name == "azure_key_vault") {
    type->error(fmt::format("variables from '{}' are not supported; use \"vault\", \"static\" or "
                            "\"env\"",
                            *name),
                ErrorCode::kUnsupported);
    return;
  }
  if (*name == "env") {
    std::string prefix = table.string_or("prefix", "SPIN_VARIABLE");
    std::string dotenv_path = table.string_or("dotenv_path", "");
    providers.push_back(make_environment_provider(prefix + "_", std::move(dotenv_path)));
  } else if (*name == "vault") {
    providers.push_back(vault(read_vault(table)));
  } else if (*name == "static") {
    if (!table.has("values")) table.error("a static provider needs the table 'values'");
    providers.push_back(make_map_provider(table.string_map("values")));
  } else {
    type->error(fmt::format("there is no variable provider '{}'{}", *name,
                            suggest(*name, {"static", "env", "vault", "azure_key_vault"})));
    return;
  }
  table.finish();
}

}  // namespace

Result<Providers> load_runtime_config(const std::string& path, const VaultFactory& vault) {
  CUSP_TRY(TomlFile file, TomlFile::read(path));
  TableReader root = file.root();
  Providers providers;
  std::string_view key = root.has("variables_provider") ? "variables_provider" : "config_provider";
  for (TableReader& table : root.tables(key)) read_provider(table, vault, providers);
  if (key == "variables_provider" && root.value("config_provider")) {
    root.value("config_provider")
        ->error("'config_provider' is the old name of 'variables_provider'; keep one");
  }
  root.ignore("config_provider");
  root.ignore("variables_provider");
  for (std::string_view other : kOtherKeys) root.ignore(other);
  root.finish();
  CUSP_CHECK(file.diagnostics().result());
  return providers;
}

}  // namespace cusp::app
