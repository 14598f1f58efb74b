#include "app/runtime_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "app/test_folder.h"

namespace cusp::app {
namespace {

std::unique_ptr<VariableProvider> no_vault(const VaultOptions&) { return make_map_provider({}); }

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
        {"[object_store.a]\ntype = 's4'", ":2:8", "there is no type 's4' of an object store"},
        {"[object_store.a]\ntype = 's3'\nbucket = 'b'\naccess_key_id = 'a'\n"
         "secret_access_key = 'a'",
         ":1:1", "[object_store.a] needs the key 'endpoint'"},
        {"[object_store.a]\ntype = 's3'\nbucket = 'b'\naccess_key_id = 'a'\n"
         "secret_access_key = 'a'\nendpoint = 'https://a/b'",
         ":6:12", "'endpoint' must be scheme and host"},
        {"[object_store.a]\ntype = 's3'\nbucket = 'b/c'\naccess_key_id = 'a'\n"
         "secret_access_key = 'a'\nendpoint = 'https://a'",
         ":3:10", "'bucket' must be the name of a bucket"},
        {"[object_store.a]\ntype = 's3'\nbucket = 'b'\nendpoint = 'https://a'\n"
         "access_key_id = 'a'\nsecret_access_key = 'a'\npathstyle = true",
         ":7:1", "unknown key 'pathstyle'"},
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

TEST(RuntimeConfig, AnObjectStoreMayBeABucketOfAnS3Service) {
  TestFolder folder;
  const auto config =
      load_runtime_config(folder.write("runtime-config.toml", R"([object_store.media]
type = "s3"
endpoint = "https://us-east-1.linodeobjects.com/"
bucket = "shop"
prefix = "media/"
path_style = true
access_key_id = "AKID"
secret_access_key = "s3cret"
)"),
                          no_vault);
  ASSERT_TRUE(config) << config.error().to_string();
  ASSERT_EQ(config->object_stores.size(), 1u);
  const S3Bucket& bucket = config->object_stores.at("media");
  EXPECT_EQ(bucket.scheme, "https");
  EXPECT_EQ(bucket.authority, "us-east-1.linodeobjects.com");
  EXPECT_EQ(bucket.region, "us-east-1");
  EXPECT_EQ(bucket.bucket, "shop");
  EXPECT_EQ(bucket.prefix, "media/");
  EXPECT_TRUE(bucket.path_style);
  EXPECT_EQ(bucket.access_key_id, "AKID");
  EXPECT_EQ(bucket.secret_access_key, "s3cret");
}

TEST(RuntimeConfig, CredentialsOfABucketMayComeFromTheEnvironment) {
  TestFolder folder;
  const std::string path =
      folder.write("runtime-config.toml",
                   "[object_store.a]\ntype = 's3'\nendpoint = 'http://[::1]:9000'\nbucket = 'b'\n");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  const auto missing = load_runtime_config(path, no_vault);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().to_string().find("AWS_ACCESS_KEY_ID in the environment"),
            std::string::npos)
      << missing.error().to_string();
  ::setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
  const auto config = load_runtime_config(path, no_vault);
  ::unsetenv("AWS_ACCESS_KEY_ID");
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->object_stores.at("a").authority, "[::1]:9000");
  EXPECT_EQ(config->object_stores.at("a").access_key_id, "AKID");
  EXPECT_EQ(config->object_stores.at("a").secret_access_key, "s3cret");
}

}  // namespace
}  // namespace cusp::app
