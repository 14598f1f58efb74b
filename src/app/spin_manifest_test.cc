#include <gtest/gtest.h>

#include "app/manifest.h"

namespace cusp::app {
namespace {

constexpr std::string_view kHead = R"(spin_manifest_version = 2
[application]
name = "shop"
)";
constexpr std::string_view kTrigger = R"([[trigger.http]]
route = "/..."
component = "api"
)";
constexpr std::string_view kComponent = R"([component.api]
source = "api.wasm"
)";

std::string manifest(std::string_view rest) {
  return std::string(kHead) + std::string(kTrigger) + std::string(kComponent) + std::string(rest);
}

Result<App> parse(std::string_view text, std::string profile = {}) {
  return parse_spin_manifest(text, "/srv/shop/spin.toml", {.profile = std::move(profile)});
}

TEST(SpinManifest, AMinimalOneIsReadWithPlacesAndAbsolutePaths) {
  auto app = parse(manifest(""));
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_EQ(app->kind, ManifestKind::kSpin);
  EXPECT_EQ(app->name, "shop");
  EXPECT_EQ(app->directory, "/srv/shop");
  ASSERT_EQ(app->components.size(), 1u);
  EXPECT_EQ(app->components[0].source.path, "/srv/shop/api.wasm");
  EXPECT_EQ(app->components[0].place, "/srv/shop/spin.toml:7:1");
  ASSERT_EQ(app->routes.size(), 1u);
  EXPECT_EQ(app->routes[0].pattern, "/...");
  EXPECT_EQ(app->routes[0].component, "api");
  EXPECT_EQ(app->components[0].reuse.requests, 1u);
  EXPECT_TRUE(app->warnings.empty());
}

TEST(SpinManifest, EveryKeyOfAComponentIsRead) {
  auto app = parse(manifest(R"(description = "d"
environment = { A = "1", B = "2" }
files = ["img/*.png", { source = "assets", destination = "/" }]
exclude_files = ["*.secret"]
variables = { host = "https://{{ api_host }}/v1" }
allowed_outbound_hosts = ["https://{{ api_host }}", "redis://cache:6379"]
key_value_stores = ["default", "my-store"]
sqlite_databases = ["main_db"]
ai_models = ["llama2-chat"]
targets = ["spin-up:3.3"]
dependencies_inherit_configuration = true
[component.api.build]
command = ["npm install", "npm run build"]
workdir = "js"
watch = ["src/**/*.js"]
[component.api.dependencies]
"foo:bar/baz@1.0.0" = { path = "dep.wasm", export = "x:y/z" }
[component.api.tool.lint]
anything = 1
[variables]
api_host = { default = "api.example.com", description = "where" }
token = { required = true, secret = true }
)"));
  ASSERT_TRUE(app) << app.error().to_string();
  const Component& api = app->components[0];
  EXPECT_EQ(api.environment.at("B"), "2");
  ASSERT_EQ(api.files.size(), 2u);
  EXPECT_EQ(api.files[0].source, "img/*.png");
  EXPECT_EQ(api.files[1].source, "/srv/shop/assets");
  EXPECT_EQ(api.files[1].destination, "/");
  EXPECT_EQ(api.files[1].exclude, std::vector<std::string>{"*.secret"});
  EXPECT_EQ(api.variables.at("host"), "https://{{ api_host }}/v1");
  EXPECT_EQ(api.allowed_outbound_hosts.size(), 2u);
  EXPECT_EQ(api.key_value_stores, (std::vector<std::string>{"default", "my-store"}));
  EXPECT_EQ(api.build->commands.size(), 2u);
  EXPECT_EQ(api.build->directory, "/srv/shop/js");
  ASSERT_EQ(api.dependencies.size(), 1u);
  EXPECT_EQ(api.dependencies[0].source.path, "/srv/shop/dep.wasm");
  EXPECT_EQ(api.dependencies[0].export_name, "x:y/z");
  EXPECT_TRUE(api.dependencies[0].inherit_configuration);
  EXPECT_TRUE(app->variables.at("token").secret);
  EXPECT_EQ(app->variables.at("api_host").default_value, "api.example.com");
}

TEST(SpinManifest, TriggersMayBePrivateStaticWagiOrInline) {
  auto app = parse(std::string(kHead) + R"([[trigger.http]]
route = { private = true }
component = "api"
[[trigger.http]]
id = "inner"
route = "/inline"
component = { source = "inline.wasm" }
[[trigger.http]]
route = "/old"
static_response = { status_code = 302, headers = { Location = "/new" }, body = "moved" }
[[trigger.http]]
route = "/cgi"
component = "api"
executor = { type = "wagi", argv = "app ${ARGS}" }
[component.api]
source = { url = "https://example.com/a.wasm", digest = "sha256:)" +
                   std::string(64, '0') + "\" }\n");
  ASSERT_TRUE(app) << app.error().to_string();
  ASSERT_EQ(app->routes.size(), 4u);
  EXPECT_TRUE(app->routes[0].is_private);
  EXPECT_EQ(app->routes[1].component, "inner-component");
  EXPECT_NE(app->find_component("inner-component"), nullptr);
  EXPECT_EQ(app->routes[2].static_response->status, 302);
  EXPECT_EQ(app->routes[2].static_response->headers[0].first, "Location");
  EXPECT_EQ(app->routes[3].executor, Executor::kWagi);
  EXPECT_EQ(app->routes[3].wagi_argv, (std::vector<std::string>{"app", "${ARGS}"}));
  EXPECT_EQ(app->find_component("api")->source.url, "https://example.com/a.wasm");
}

TEST(SpinManifest, AProfileOverridesWhatItNames) {
  auto text = manifest(R"(environment = { A = "1", B = "2" }
build = { command = "make", workdir = "c" }
[component.api.dependencies]
"foo:bar" = { path = "base.wasm" }
[component.api.profile.debug]
source = "debug.wasm"
environment = { B = "3" }
build.command = "make debug"
dependencies = { "foo:bar" = { path = "debug-dep.wasm" } }
)");
  auto base = parse(text);
  ASSERT_TRUE(base) << base.error().to_string();
  EXPECT_EQ(base->components[0].source.path, "/srv/shop/api.wasm");
  EXPECT_EQ(base->components[0].environment.at("B"), "2");
  auto debug = parse(text, "debug");
  ASSERT_TRUE(debug);
  const Component& api = debug->components[0];
  EXPECT_EQ(api.source.path, "/srv/shop/debug.wasm");
  EXPECT_EQ(api.environment.at("A"), "1");
  EXPECT_EQ(api.environment.at("B"), "3");
  EXPECT_EQ(api.build->commands, std::vector<std::string>{"make debug"});
  EXPECT_EQ(api.build->directory, "/srv/shop/c");
  ASSERT_EQ(api.dependencies.size(), 1u);
  EXPECT_EQ(api.dependencies[0].source.path, "/srv/shop/debug-dep.wasm");
  EXPECT_EQ(parse(text, "debgu").error().message,
            "no component has a profile 'debgu'; did you mean 'debug'?");
}

TEST(SpinManifest, ADependencyMayBeAnotherComponentWithoutPermissions) {
  constexpr std::string_view kReference = R"(
[component.api.dependencies]
"foo:bar/baz" = { component = "dep", inherit_configuration = ["variables"] }
[component.dep]
source = "dep.wasm"
)";
  auto app = parse(manifest(kReference));
  ASSERT_TRUE(app) << app.error().to_string();
  const Dependency& dependency = app->find_component("api")->dependencies.at(0);
  EXPECT_EQ(dependency.source.path, "/srv/shop/dep.wasm");
  EXPECT_FALSE(dependency.inherit_configuration);
  EXPECT_EQ(dependency.inherited_keys, std::vector<std::string>{"variables"});
  auto refused = parse(manifest(std::string(kReference) + "ai_models = ['x']\n"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("of its own: ai_models"), std::string::npos);
}

TEST(SpinManifest, WhatSpinOnlyWarnsOfIsAWarning) {
  auto app = parse(std::string(kHead) + R"([[trigger.http]]
route = "/a"
component = "api"
[[trigger.http]]
route = "/a"
component = "second"
[[trigger.http]]
route = "/.well-known/spin/mine"
component = "second"
[[trigger.sqs]]
queue = "orders"
component = "api"
[component.api]
source = "api.wasm"
allowed_http_hosts = ["example.com"]
[component.second]
source = "second.wasm"
)");
  ASSERT_TRUE(app) << app.error().to_string();
  ASSERT_EQ(app->routes.size(), 2u);
  EXPECT_EQ(app->routes[0].component, "second");
  EXPECT_EQ(app->find_component("api")->allowed_outbound_hosts,
            (std::vector<std::string>{"http://example.com", "https://example.com"}));
  ASSERT_EQ(app->warnings.size(), 4u);
  EXPECT_NE(app->warnings[0].find("'allowed_http_hosts' is deprecated"), std::string::npos);
  EXPECT_NE(app->warnings[1].find("type 'sqs'"), std::string::npos);
  EXPECT_NE(app->warnings[2].find("spin.toml:4:1: the route '/a' is never used"),
            std::string::npos);
  EXPECT_NE(app->warnings[3].find("never matches"), std::string::npos);
}

TEST(SpinManifest, TriggersForRedisAndSchedulesAreRead) {
  auto app = parse(std::string(kHead) + R"([application.trigger.redis]
address = "redis://{{ host }}"
[[trigger.redis]]
channel = "orders"
component = "api"
[[trigger.redis]]
channel = "{{ host }}"
address = "redis://other:7000/2"
component = "api"
[[trigger.cron]]
cron_expression = "1/2 * * * * *"
component = "api"
)" + std::string(kComponent));
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_TRUE(app->warnings.empty());
  ASSERT_EQ(app->redis_triggers.size(), 2u);
  EXPECT_EQ(app->redis_triggers[0].address, "redis://{{ host }}");
  EXPECT_EQ(app->redis_triggers[0].channel, "orders");
  EXPECT_EQ(app->redis_triggers[1].address, "redis://other:7000/2");
  ASSERT_EQ(app->cron_triggers.size(), 1u);
  EXPECT_EQ(app->cron_triggers[0].component, "api");
  EXPECT_FALSE(app->cron_triggers[0].overlap);
}

TEST(SpinManifest, ThousandsOfRoutesAndFilesAreReadQuickly) {
  std::string text = manifest("files = [\n");
  for (int i = 0; i < 10'000; ++i) text += "'assets/" + std::to_string(i) + ".png',\n";
  text += "]\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "[[trigger.http]]\nroute = '/r/" + std::to_string(i) + "'\ncomponent = 'api'\n";
  }
  auto start = std::chrono::steady_clock::now();
  auto app = parse(text);
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_EQ(app->routes.size(), 10'001u);
  EXPECT_EQ(app->components[0].files.size(), 10'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

struct Case {
  std::string text;
  std::string_view place;  // line and column
  std::string_view message;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

void expect_errors(const std::vector<Case>& cases) {
  for (const auto& [text, place, message, code] : cases) {
    auto app = parse(text);
    ASSERT_FALSE(app) << text;
    EXPECT_EQ(app.error().context, "/srv/shop/spin.toml:" + std::string(place)) << text;
    EXPECT_EQ(app.error().message.substr(0, message.size()), message) << text;
    EXPECT_EQ(app.error().code, code) << text;
  }
}

TEST(SpinManifest, MistakesAtTheTopGiveTheirPlace) {
  std::string head(kHead), trigger(kTrigger), component(kComponent);
  expect_errors({
      {"", "1:1", "the manifest needs 'spin_manifest_version = 2'"},
      {"spin_manifest_version = '1'\nname = 'x'", "1:25", "only spin_manifest_version 2"},
      {"spin_manifest_version = 3", "1:25", "only spin_manifest_version 2"},
      {"spin_manifest_version = true", "1:25", "'spin_manifest_version' must be an integer"},
      {"spin_manifest_version = 2\n" + trigger + component, "1:1",
       "the manifest needs a table [application]"},
      {head + component, "1:1", "the manifest needs at least one [[trigger.http]]"},
      {"spin_manifest_version = 2\n[aplication]\nname='x'", "2:2",
       "unknown key 'aplication' in the file; did you mean 'application'?"},
      {"spin_manifest_version = 2\n[application]\nname = 2\n" + trigger + component, "3:8",
       "'name' must be a string"},
      {head + "authors = 'me'\n" + trigger + component, "4:11", "'authors' must be an array"},
      {head + "[application.trigger.http]\nbase = '/x'\n" + trigger + component, "5:8",
       "a 'base' other than", ErrorCode::kUnsupported},
      {head + "[[trigger.sqs]]\nqueue = 'x'", "4:11", "triggers of type 'sqs' are not",
       ErrorCode::kUnsupported},
      {head + "[[trigger.htp]]\nroute = 'x'", "4:11",
       "triggers of type 'htp' are not supported, and there is no [[trigger.http]]; did you mean "
       "'http'?",
       ErrorCode::kUnsupported},
      {manifest("[variables]\nBad = { default = '' }"), "10:1", "'Bad' is not a variable name"},
      {manifest("[variables]\na = {}"), "10:5", "the variable 'a' needs either"},
      {manifest("[variables]\na = { required = true, default = '' }"), "10:5",
       "the variable 'a' needs either"},
      {manifest("[variables]\na = { requred = true }"), "10:7",
       "unknown key 'requred' in [variables] a; did you mean 'required'?"},
  });
}

TEST(SpinManifest, MistakesInTriggersGiveTheirPlace) {
  auto with = [](std::string_view trigger) {
    return std::string(kHead) + "[[trigger.http]]\n" + std::string(trigger) + "\n" +
           std::string(kComponent);
  };
  expect_errors({
      {with("component = 'api'"), "4:1", "[[trigger.http]] needs the key 'route'"},
      {with("route = 1\ncomponent = 'api'"), "5:9", "'route' must be a string or"},
      {with("route = { private = false }\ncomponent = 'api'"), "5:9", "a route is a string or"},
      {with("route = '/'"), "4:1", "[[trigger.http]] needs exactly one of"},
      {with("route = '/'\ncomponent = 'api'\nstatic_response = {}"), "4:1",
       "[[trigger.http]] needs exactly one of"},
      {with("route = '/'\ncomponent = 'apo'"), "6:13",
       "there is no component 'apo'; did you mean 'api'?"},
      {with("route = '/'\ncomponent = 7"), "6:13", "'component' must be the id of a component"},
      {with("route = '/a/.../b'\ncomponent = 'api'"), "4:1",
       "the route '/a/.../b' is malformed: '...' may only stand at the end"},
      {with("route = '/'\ncomponent = 'api'\nexecutor = { type = 'wagy' }"), "7:21",
       "there is no executor 'wagy'; did you mean 'wagi'?"},
      {with("route = '/'\ncomponent = 'api'\nexecutor = { type = 'http', argv = 'x' }"), "7:29",
       "unknown key 'argv' in 'executor'; known: type"},
      {with("route = '/'\nstatic_response = { status_code = 99 }"), "6:35",
       "'status_code' must be between 200 and 599"},
      {with("route = '/'\nstatic_response = { headers = { 'a b' = 'x' } }"), "6:41",
       "'a b' is not a valid header field"},
      {with("route = '/'\nstatic_response = { headers = { a = \"x\\ny\" } }"), "6:37",
       "'a' is not a valid header field"},
      {with("route = '/'\ncomponent = 'api'\ncomponents = { m = 'x' }"), "7:14",
       "'components' of a trigger is not supported", ErrorCode::kUnsupported},
      {with("rout = '/'\ncomponent = 'api'"), "5:1",
       "unknown key 'rout' in [[trigger.http]]; did you mean 'route'?"},
  });
}

TEST(SpinManifest, MistakesInComponentsGiveTheirPlace) {
  std::string other = "\n[component.other]\n";
  expect_errors({
      {manifest("[component.bad_id]\nsource = 'x'"), "9:12", "'bad_id' is not a component id"},
      {manifest(other), "10:1", "[component.other] needs the key 'source'"},
      {manifest(other + "source = 1"), "11:10", "'source' must be a path or a table"},
      {manifest(other + "source = { url = 'ftp://x', digest = 'y' }"), "11:10",
       "'ftp://x' is not an https:// URL"},
      {manifest(other + "source = { url = 'https://x', digest = 'md5:1' }"), "11:10",
       "'md5:1' is not a digest: it must begin with"},
      {manifest(other + "source = { url = 'https://x' }"), "11:10",
       "'source' needs the key 'digest'"},
      {manifest(other + "source = { registry = 'r', package = 'a:b', version = '1' }"), "11:10",
       "components from a registry are not supported", ErrorCode::kUnsupported},
      {manifest("envronment = {}"), "9:1",
       "unknown key 'envronment' in [component.api]; did you mean 'environment'?"},
      {manifest("environment = { A = 1 }"), "9:21", "'A' must be a string"},
      {manifest("files = [1]"), "9:10", "'files[0]' must be a table"},
      {manifest("files = [{ source = 'x' }]"), "9:10", "'files[0]' needs the key 'destination'"},
      {manifest("key_value_stores = ['a b']"), "9:20",
       "'a b' in 'key_value_stores' is not a store"},
      {manifest("allowed_outbound_hosts = ['example.com']"), "9:26",
       "'example.com' in allowed_outbound_hosts is malformed: it has no scheme"},
      {manifest("allowed_outbound_hosts = ['http://{{ x']"), "9:26", "'{{ x' has no closing"},
      {manifest("variables = { a = '{{ nope }}' }"), "9:19", "'{{ nope }}' is not in [variables]"},
      {manifest("variables = { A = '' }"), "9:15", "'A' is not a variable name"},
      {manifest("build = {}"), "9:9", "'build' needs the key 'command'"},
      {manifest("build = { command = 1 }"), "9:21", "'command' must be a string or an array"},
      {manifest("limits = {}"), "9:1", "unknown key 'limits' in [component.api]"},
      {manifest("profile.x.sorce = 'x'"), "9:11",
       "unknown key 'sorce' in [component.api.profile.x]; did you mean 'source'?"},
  });
}

TEST(SpinManifest, MistakesInDependenciesGiveTheirPlace) {
  auto with = [](std::string_view rest) {
    return manifest("[component.api.dependencies]\n" + std::string(rest));
  };
  expect_errors({
      {with("'foo:bar' = '>= 1.0'"), "10:13", "the dependency 'foo:bar' comes from a registry",
       ErrorCode::kUnsupported},
      {with("'foo:bar' = { version = '1.0' }"), "10:13",
       "the dependency 'foo:bar' comes from a registry", ErrorCode::kUnsupported},
      {with("'foo:bar' = {}"), "10:13", "the dependency 'foo:bar' needs exactly one of"},
      {with("'foo:bar' = { path = 'a', component = 'b' }"), "10:13",
       "the dependency 'foo:bar' needs exactly one of"},
      {with("'foo:bar' = { path = 'a', export = 'x' }"), "10:13",
       "'foo:bar' stands for all interfaces of a package"},
      {with("'foo/bar' = { path = 'a' }"), "10:1", "'foo/bar' is not the name of an import"},
      {with("'foo:bar/x' = { component = 'nope' }"), "10:29", "there is no component 'nope'"},
      {with("'foo:bar/x' = { path = 'a', inherit_configuration = ['fils'] }"), "10:53",
       "'fils' cannot be inherited; did you mean 'files'?"},
      {with("'foo:bar@0.1.0' = { path = 'a' }\n'foo:bar@0.1.1' = { path = 'b' }"), "9:1",
       "the dependencies 'foo:bar@0.1.0' and 'foo:bar@0.1.1' overlap"},
      {with("'foo:bar' = { path = 'a' }\n'foo:bar/x@1.0.0' = { path = 'b' }"), "9:1",
       "the dependencies 'foo:bar' and 'foo:bar/x@1.0.0' overlap"},
      {manifest("dependencies_inherit_configuration = true\n[component.api.dependencies]\n"
                "'foo:bar' = { path = 'a', inherit_configuration = false }"),
       "11:13", "'inherit_configuration' and 'dependencies_inherit_configuration' exclude"},
  });
}

TEST(SpinManifest, TooManyDependenciesAreRefused) {
  std::string many = "[component.api.dependencies]\n";
  for (int i = 0; i < 300; ++i) many += "'foo:bar/i" + std::to_string(i) + "' = { path = 'a' }\n";
  auto app = parse(manifest(many));
  ASSERT_FALSE(app);
  EXPECT_EQ(app.error().code, ErrorCode::kResourceExhausted);
}

TEST(SpinManifest, DisjointDependenciesOfOnePackageAreAccepted) {
  EXPECT_TRUE(parse(manifest(R"([component.api.dependencies]
"foo:bar@0.1.0" = { path = "a" }
"foo:bar@0.2.0" = { path = "b" }
"foo:bar/x@1.0.0" = { path = "c" }
"foo:bar/y@1.2.0" = { path = "d" }
)")));
}

}  // namespace
}  // namespace cusp::app
