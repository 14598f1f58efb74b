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

}  // namespace
}  // namespace cusp::app
