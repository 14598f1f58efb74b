#include "app/runtime_config.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/suggest.h"
#include "base/table_reader.h"

namespace cusp::app {
namespace {

using Providers = std::vector<std::unique_ptr<VariableProvider>>;

// What an operator may have in the file for Spin, and what Cusp sets elsewhere or serves later.
constexpr std::string_view kOtherKeys[] = {
    "state_dir",      "log_dir",       "max_instance_memory", "key_value_store",
    "llm_compute",    "outbound_http", "outbound_networking", "outbound_mqtt",
    "outbound_mysql", "outbound_pg",   "outbound_redis",      "client_tls"};

std::string needed_text(TableReader& table, std::string_view key, std::string_view who) {
  if (!table.has(key)) table.error(fmt::format("{} needs the key '{}'", who, key));
  return table.string_or(key, "");
}

VaultOptions read_vault(TableReader& table) {
  constexpr std::string_view kWho = "a vault provider";
  VaultOptions options{.url = needed_text(table, "url", kWho),
                       .token = needed_text(table, "token", kWho),
                       .mount = needed_text(table, "mount", kWho),
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

// Spin's default, "spin", has a file of its own choice: here every database has its place already.
void read_database(const std::string& name, TableReader& table,
                   std::map<std::string, LibsqlDatabase>& databases) {
  const auto type = table.value("type");
  const auto kind = type ? type->string() : std::nullopt;
  if (!type) table.error(fmt::format("{} needs the key 'type'", table.what()));
  if (!kind) return;
  if (*kind == "libsql") {
    constexpr std::string_view kWho = "a database of type \"libsql\"";
    const auto url = table.value("url");
    databases[name] = {.url = needed_text(table, "url", kWho),
                       .token = needed_text(table, "token", kWho),
                       .place = url ? url->place() : table.place()};
  } else if (*kind == "spin") {
    table.ignore("path");
  } else {
    type->error(fmt::format("there is no type '{}' of a database{}", *kind,
                            suggest(*kind, {"spin", "libsql"})));
    return;
  }
  table.finish();
}

void read_databases(TableReader& root, std::map<std::string, LibsqlDatabase>& databases) {
  auto all = root.table("sqlite_database");
  if (!all) return;
  for (const auto& [name, place, value] : all->entries()) {
    if (auto table = value.table(fmt::format("[sqlite_database.{}]", name))) {
      read_database(name, *table, databases);
    }
  }
}

// Without the key, the environment of the AWS tools has it.
std::string credential(TableReader& table, std::string_view key, const char* variable) {
  if (table.has(key)) return table.string_or(key, "");
  const char* const value = std::getenv(variable);
  if (value == nullptr || *value == '\0') {
    table.error(fmt::format("{} needs the key '{}', or {} in the environment", table.what(), key,
                            variable));
    return {};
  }
  return value;
}

void read_endpoint(TableReader& table, S3Bucket& bucket) {
  const auto value = table.value("endpoint");
  if (!value) return table.error(fmt::format("{} needs the key 'endpoint'", table.what()));
  const std::string url = value->string().value_or("https://-");
  const size_t colon = url.find("://");
  bucket.scheme = url.substr(0, colon);
  const bool http = bucket.scheme == "https" || bucket.scheme == "http";
  if (colon != url.npos) bucket.authority = url.substr(colon + 3);
  if (bucket.authority.ends_with('/')) bucket.authority.pop_back();
  if (!http || bucket.authority.empty() || bucket.authority.find_first_of("/?#@ ") != url.npos) {
    value->error(
        "'endpoint' must be scheme and host, such as "
        "\"https://us-east-1.linodeobjects.com\"");
  }
}

// What stands in a host name or a path of the requests' as it is.
void read_bucket_name(TableReader& table, S3Bucket& bucket) {
  constexpr std::string_view kCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  constexpr size_t kBytesMax = 255;
  const auto value = table.value("bucket");
  if (!value) return table.error(fmt::format("{} needs the key 'bucket'", table.what()));
  bucket.bucket = value->string().value_or("-");
  if (bucket.bucket.empty() || bucket.bucket.size() > kBytesMax ||
      bucket.bucket.find_first_not_of(kCharacters) != std::string::npos) {
    value->error("'bucket' must be the name of a bucket: letters, digits, '.', '-' and '_'");
  }
}

void read_object_store(const std::string& name, TableReader& table,
                       std::map<std::string, S3Bucket>& stores) {
  const auto type = table.value("type");
  const auto kind = type ? type->string() : std::nullopt;
  if (!type) table.error(fmt::format("{} needs the key 'type'", table.what()));
  if (!kind) return;
  if (*kind != "s3") {
    type->error(
        fmt::format("there is no type '{}' of an object store{}", *kind, suggest(*kind, {"s3"})));
    return;
  }
  S3Bucket bucket;
  read_endpoint(table, bucket);
  read_bucket_name(table, bucket);
  bucket.region = table.string_or("region", bucket.region);
  bucket.prefix = table.string_or("prefix", "");
  bucket.path_style = table.boolean("path_style").value_or(false);
  bucket.access_key_id = credential(table, "access_key_id", "AWS_ACCESS_KEY_ID");
  bucket.secret_access_key = credential(table, "secret_access_key", "AWS_SECRET_ACCESS_KEY");
  table.finish();
  stores[name] = std::move(bucket);
}

void read_object_stores(TableReader& root, std::map<std::string, S3Bucket>& stores) {
  auto all = root.table("object_store");
  if (!all) return;
  for (const auto& [name, place, value] : all->entries()) {
    if (auto table = value.table(fmt::format("[object_store.{}]", name))) {
      read_object_store(name, *table, stores);
    }
  }
}

}  // namespace

Result<RuntimeConfig> load_runtime_config(const std::string& path, const VaultFactory& vault) {
  CUSP_TRY(TomlFile file, TomlFile::read(path));
  TableReader root = file.root();
  RuntimeConfig config;
  std::string_view key = root.has("variables_provider") ? "variables_provider" : "config_provider";
  for (TableReader& table : root.tables(key)) read_provider(table, vault, config.providers);
  if (key == "variables_provider" && root.value("config_provider")) {
    root.value("config_provider")
        ->error("'config_provider' is the old name of 'variables_provider'; keep one");
  }
  read_databases(root, config.databases);
  read_object_stores(root, config.object_stores);
  root.ignore("config_provider");
  root.ignore("variables_provider");
  for (std::string_view other : kOtherKeys) root.ignore(other);
  root.finish();
  CUSP_CHECK(file.diagnostics().result());
  return config;
}

}  // namespace cusp::app
