#include "app/variables.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "app/dotenv.h"
#include "app/template.h"
#include "app/test_folder.h"

namespace cusp::app {
namespace {

using Providers = std::vector<std::unique_ptr<VariableProvider>>;

App app_with(std::map<std::string, Variable> variables) {
  App app{.name = "shop", .manifest_path = "/srv/shop/spin.toml"};
  app.variables = std::move(variables);
  return app;
}

Providers one_map(std::map<std::string, std::string> values) {
  Providers providers;
  providers.push_back(make_map_provider(std::move(values)));
  return providers;
}

TEST(Template, ExpressionsAndLiteralsAreSplit) {
  auto parts = parse_template("a-{{ x }}{{y}}-b }} c");
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 4u);
  EXPECT_EQ((*parts)[1].text, "x");
  EXPECT_TRUE((*parts)[2].is_variable);
  EXPECT_EQ((*parts)[3].text, "-b }} c");
  EXPECT_TRUE(parse_template("")->empty());
}

TEST(Template, AnUnclosedExpressionIsRefused) {
  for (std::string_view text : {"{{", "{{ a", "{{ a }", "{{ a }} {{ b"}) {
    EXPECT_FALSE(parse_template(text)) << text;
  }
}

TEST(Variables, ProvidersAreAskedInOrderAndTheDefaultIsLast) {
  App app = app_with({{"a", {.default_value = "default-a"}},
                      {"b", {.default_value = "default-b"}},
                      {"c", {.required = true}}});
  Providers providers = one_map({{"a", "first"}});
  providers.push_back(make_map_provider({{"a", "second"}, {"c", ""}}));
  Component component{.id = "api",
                      .variables = {{"x", "{{ a }}/{{ b }}"}, {"y", "{{c}}"}, {"z", "plain"}}};
  auto resolved = resolve_variables(app, component, providers);
  ASSERT_TRUE(resolved) << resolved.error().to_string();
  EXPECT_EQ(resolved->at("x"), "first/default-b");
  EXPECT_EQ(resolved->at("y"), "");
  EXPECT_EQ(resolved->at("z"), "plain");
}

TEST(Variables, AMissingRequiredOneNamesItselfTheComponentAndTheRemedy) {
  App app = app_with({{"api_key", {.required = true, .secret = true}}});
  app.name = "shop";
  Component component{
      .id = "api", .variables = {{"key", "{{ api_key }}"}}, .place = "spin.toml:7:1"};
  auto resolved = resolve_variables(app, component, {});
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(resolved.error().to_string(),
            "spin.toml:7:1: component 'api': the variable 'api_key' is required and has no value; "
            "pass --variable api_key=VALUE, set CUSP_VARIABLE_API_KEY, or run `cusp secret set "
            "shop api_key`");
}

TEST(Variables, AnUnknownOneOffersTheNearest) {
  App app = app_with({{"api_host", {.default_value = ""}}});
  auto resolved = resolve_template(app, "{{ api_hots }}", {});
  ASSERT_FALSE(resolved);
  EXPECT_NE(resolved.error().message.find("did you mean 'api_host'?"), std::string::npos);
}

TEST(Variables, OutboundHostsThatResolveToNothingAreDropped) {
  App app = app_with({{"host", {.default_value = ""}}, {"other", {.default_value = "b.example"}}});
  Component component{.id = "api",
                      .allowed_outbound_hosts = {"https://{{ host }}", "{{ host }}",
                                                 "https://{{ other }}:8443", "http://a.example"}};
  auto hosts = resolve_outbound_hosts(app, component, {});
  ASSERT_TRUE(hosts);
  EXPECT_EQ(*hosts, (std::vector<std::string>{"https://b.example:8443", "http://a.example"}));
}

TEST(EnvironmentProvider, TheEnvironmentBeatsTheDotenvFile) {
  TestFolder folder;
  std::string path = folder.write(".env", "CUSPTEST_A=file\nCUSPTEST_B_2='file b'\n");
  ::setenv("CUSPTEST_A", "environment", 1);
  auto provider = make_environment_provider("CUSPTEST_", path);
  EXPECT_EQ(**provider->get("a"), "environment");
  EXPECT_EQ(**provider->get("b_2"), "file b");
  EXPECT_FALSE(provider->get("c")->has_value());
  ::unsetenv("CUSPTEST_A");
}

TEST(EnvironmentProvider, AnAbsentFileIsEmptyAndAMalformedOneAnError) {
  TestFolder folder;
  EXPECT_FALSE(make_environment_provider("X_", folder.path("none"))->get("a")->has_value());
  auto provider = make_environment_provider("X_", folder.write("bad", "SECRET oops\n"));
  auto value = provider->get("a");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message.find("oops"), std::string::npos) << "shows a secret";
}

TEST(Dotenv, QuotesCommentsAndExportsAreRead) {
  auto values = parse_dotenv(R"(# comment
A=1
export B = two words # trailing
C='raw \n $x'
D="line\nnext \"q\" \$5" # c
E=
F=a#b
G=#nothing
)",
                             ".env");
  ASSERT_TRUE(values) << values.error().to_string();
  EXPECT_EQ(*values, (std::map<std::string, std::string>{{"A", "1"},
                                                         {"B", "two words"},
                                                         {"C", "raw \\n $x"},
                                                         {"D", "line\nnext \"q\" $5"},
                                                         {"E", ""},
                                                         {"F", "a#b"},
                                                         {"G", ""}}));
}

TEST(Dotenv, OtherLinesAreRefusedWithTheirNumber) {
  for (std::string_view line :
       {"A", "=1", "1A=2", "A B=1", "A='x", "A=\"x", "A='x'y", "A=\"\\q\"", "A=\"x\\", "-A=1"}) {
    auto values = parse_dotenv("OK=1\n" + std::string(line) + "\n", ".env");
    ASSERT_FALSE(values) << line;
    EXPECT_EQ(values.error().context, ".env:2");
  }
}

TEST(RuntimeConfig, ProvidersAreBuiltInOrderAndOtherTablesAccepted) {
  TestFolder folder;
  VaultOptions vault;
  const auto make_vault = [&](VaultOptions options) {
    vault = std::move(options);
    return make_map_provider({});
  };
  auto providers = load_runtime_config(folder.write("runtime-config.toml", R"(
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
[llm_compute]
type = "spin"
[outbound_http]
connection_pooling = false
[[client_tls]]
hosts = ["a"]
)"),
                                       make_vault);
  ASSERT_TRUE(providers) << providers.error().to_string();
  ASSERT_EQ(providers->size(), 3u);
  EXPECT_EQ(vault.url, "https://vault.example:8200");
  EXPECT_EQ(vault.token, "hvs.1");
  EXPECT_EQ(vault.mount, "secret");
  EXPECT_EQ(vault.prefix, "apps/shop");
  EXPECT_EQ(**(*providers)[0]->get("a"), "1");
  ::setenv("MY_APP_B", "from environment", 1);
  EXPECT_EQ(**(*providers)[1]->get("b"), "from environment");
  ::unsetenv("MY_APP_B");
  auto legacy = load_runtime_config(
      folder.write("old.toml", "[[config_provider]]\ntype = 'static'\nvalues = {}\n"), make_vault);
  ASSERT_TRUE(legacy);
  EXPECT_EQ(legacy->size(), 1u);
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
        {"state_dir =", ":1:", "not valid TOML"}}) {
    std::string path = folder.write("runtime-config.toml", text);
    auto providers = load_runtime_config(path, no_vault);
    ASSERT_FALSE(providers) << text;
    EXPECT_EQ(providers.error().code, code) << text;
    EXPECT_TRUE(providers.error().context.starts_with(path + std::string(place)))
        << providers.error().to_string();
    EXPECT_EQ(providers.error().message.substr(0, message.size()), message) << text;
  }
  EXPECT_EQ(load_runtime_config(folder.path("none"), no_vault).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cusp::app
