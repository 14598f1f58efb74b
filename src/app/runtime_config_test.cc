#include "app/runtime_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "app/test_folder.h"

namespace cusp::app {
namespace {

TEST(RuntimeConfig, ProvidersAreBuiltInOrderAndOtherTablesAccepted) {
  TestFolder folder;
  VaultOptions vault;
  const auto make_vault = [&](VaultOptions options) {
    vault = std::move(options);
    return make_map_provider({});
  };
  auto config = load_runtime_config(folder.write("runtime-config.toml", R"(
state_dir = "x"
[[variables_provider]]
type = "static"
values = { a = "1" }
[[variables_provider]]
type = "env"
prefix = "MY_APP"
[[variables_provider]]
type = "vault"
url = "https://vault.example:8200"
token = "hvs.1"
mount = "secret"
prefix = "apps/shop"
[key_value_store.default]
type = "redis"
url = "redis://localhost"
[sqlite_database.default]
type = "spin"
path = "x.db"
[sqlite_database.orders]
type = "libsql"
url = "https://orders-me.turso.io"
token = "t0ken"
[llm_compute]
type = "spin"
[outbound_http]
connection_pooling = false
[[client_tls]]
hosts = ["a"]
)"),
                                    make_vault);
  ASSERT_TRUE(config) << config.error().to_string();
  ASSERT_EQ(config->providers.size(), 3u);
  EXPECT_EQ(vault.url, "https://vault.example:8200");
  EXPECT_EQ(vault.token, "hvs.1");
  EXPECT_EQ(vault.mount, "secret");
  EXPECT_EQ(vault.prefix, "apps/shop");
  EXPECT_EQ(**config->providers[0]->get("a"), "1");
  ::setenv("MY_APP_B", "from environment", 1);
  EXPECT_EQ(**config->providers[1]->get("b"), "from environment");
  ::unsetenv("MY_APP_B");
  ASSERT_EQ(config->databases.size(), 1u);
  const LibsqlDatabase& orders = config->databases.at("orders");
  EXPECT_EQ(orders.url, "https://orders-me.turso.io");
  EXPECT_EQ(orders.token, "t0ken");
  EXPECT_TRUE(orders.place.ends_with(":23:7")) << orders.place;
  auto legacy = load_runtime_config(
      folder.write("old.toml", "[[config_provider]]\ntype = 'static'\nvalues = {}\n"), make_vault);
  ASSERT_TRUE(legacy);
  EXPECT_EQ(legacy->providers.size(), 1u);
}

TEST(RuntimeConfig, MistakesGiveTheirPlace) {
  TestFolder folder;
  const auto no_vault = [](VaultOptions) { return make_map_provider({}); };
  struct Case {
    std::string_view text;
    std::string_view place;
    std::string_view message;
    ErrorCode code = ErrorCode::kInvalidArgument;
  };
  for (const auto& [text, place, message, code] :
       {Case{"key_value_stor = {}", ":1:1", "unknown key 'key_value_stor' in the file; did you"},
        {"[variables_provider]\ntype = 'env'", ":1:1", "'variables_provider' must be an array"},
        {"[[variables_provider]]", ":1:1", "[[variables_provider]] needs the key 'type'"},
        {"[[variables_provider]]\ntype = 'evn'", ":2:8", "there is no variable provider 'evn'"},
        {"[[variables_provider]]\ntype = 'env'\nprefx = 'A'", ":3:1", "unknown key 'prefx'"},
        {"[[variables_provider]]\ntype = 'static'", ":1:1", "a static provider needs"},
        {"[[variables_provider]]\ntype = 'static'\nvalues = { a = 1 }", ":3:16",
         "'a' must be a string"},
        {"[[config_provider]]\ntype = 'vault'\nurl = 'http://v'\nmount = 'm'", ":1:1",
         "a vault provider needs the key 'token'"},
        {"[[config_provider]]\ntype = 'vault'\nurl = 'v'\ntoken = 't'\nmount = 'm'", ":3:7",
         "'url' must be one of http or https"},
        {"[[config_provider]]\ntype = 'azure_key_vault'", ":2:8", "variables from",
         ErrorCode::kUnsupported},
        {"[sqlite_database.a]\nurl = 'x'", ":1:1", "[sqlite_database.a] needs the key 'type'"},
        {"[sqlite_database.a]\ntype = 'libsqll'", ":2:8", "there is no type 'libsqll' of a data"},
        {"[sqlite_database.a]\ntype = 'libsql'\ntoken = ''", ":1:1",
         "a database of type \"libsql\" needs the key 'url'"},
        {"[sqlite_database.a]\ntype = 'libsql'\nurl = 'https://a'", ":1:1",
         "a database of type \"libsql\" needs the key 'token'"},
        {"[sqlite_database.a]\ntype = 'spin'\nurl = 'https://a'", ":3:1", "unknown key 'url'"},
        {"sqlite_database = 1", ":1:", "'sqlite_database' must be a table"},
        {"state_dir =", ":1:", "not valid TOML"}}) {
    std::string path = folder.write("runtime-config.toml", text);
    auto config = load_runtime_config(path, no_vault);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, code) << text;
    EXPECT_TRUE(config.error().context.starts_with(path + std::string(place)))
        << config.error().to_string();
    EXPECT_EQ(config.error().message.substr(0, message.size()), message) << text;
  }
  EXPECT_EQ(load_runtime_config(folder.path("none"), no_vault).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cusp::app
