#include "app/app.h"

#include <gtest/gtest.h>

#include "app/test_folder.h"

namespace cusp::app {
namespace {

constexpr std::string_view kSpin = R"(spin_manifest_version = 2
[application]
name = "shop"
[[trigger.http]]
route = "/..."
component = "api"
[component.api]
source = "api.wasm"
)";
constexpr std::string_view kCusp = "name = 'native'\n[component.api]\nsource = 'api.wasm'\n";

TEST(LoadApp, ABareComponentServesEveryHostAndPath) {
  TestFolder folder;
  for (const char* name : {"hello.wasm", "hello.wat"}) {
    std::string path = folder.write(name);
    auto app = load_app(path);
    ASSERT_TRUE(app) << app.error().to_string();
    EXPECT_EQ(app->kind, ManifestKind::kBare);
    EXPECT_EQ(app->name, "hello");
    EXPECT_EQ(app->manifest_path, path);
    EXPECT_EQ(app->directory, folder.path());
    EXPECT_TRUE(app->hosts.empty());
    ASSERT_EQ(app->routes.size(), 1u);
    EXPECT_EQ(app->routes[0].pattern, "/...");
    EXPECT_EQ(app->find_component("hello")->source.path, path);
    EXPECT_EQ(app->find_component("other"), nullptr);
  }
}

TEST(LoadApp, AFolderIsItsManifestAndCuspTomlWins) {
  TestFolder folder;
  folder.write("api.wasm");
  folder.write("spin.toml", kSpin);
  EXPECT_EQ(load_app(folder.path())->name, "shop");
  folder.write("cusp.toml", kCusp);
  EXPECT_EQ(load_app(folder.path())->name, "native");
  EXPECT_EQ(load_app(folder.path("spin.toml"))->name, "shop");
}

TEST(LoadApp, AManifestOfAnotherNameTellsItsKindByItsContent) {
  TestFolder folder;
  folder.write("api.wasm");
  EXPECT_EQ(load_app(folder.write("a.toml", kSpin))->kind, ManifestKind::kSpin);
  EXPECT_EQ(load_app(folder.write("b.toml", kCusp))->kind, ManifestKind::kCusp);
}

TEST(LoadApp, WhatIsNotThereOrNoAppIsRefused) {
  TestFolder folder;
  EXPECT_EQ(load_app(folder.path("none.wasm")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(load_app(folder.path()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(load_app("").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(load_app(folder.write("app.js")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(load_app(folder.write("empty.toml")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(load_app("/dev/null").error().code, ErrorCode::kInvalidArgument);
  std::string big = folder.write("big.toml", std::string(5 << 20, '#'));
  EXPECT_EQ(load_app(big).error().code, ErrorCode::kResourceExhausted);
}

TEST(LoadApp, AMissingSourceIsNamedUnlessTheComponentCanBeBuilt) {
  TestFolder folder;
  folder.write("spin.toml", kSpin);
  auto app = load_app(folder.path());
  ASSERT_FALSE(app);
  EXPECT_EQ(app.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(app.error().context, folder.path("spin.toml:7:1"));
  EXPECT_NE(app.error().message.find(folder.path("api.wasm")), std::string::npos);
  folder.write("spin.toml", std::string(kSpin) + "build = { command = 'make' }\n");
  auto buildable = load_app(folder.path());
  ASSERT_TRUE(buildable) << buildable.error().to_string();
  auto checked = check_sources(*buildable);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("run `cusp build`"), std::string::npos);
  folder.write("api.wasm");
  EXPECT_TRUE(check_sources(*buildable));
}

TEST(LoadApp, AMissingDependencyOrFileIsNamed) {
  TestFolder folder;
  folder.write("api.wasm");
  folder.write("spin.toml", std::string(kSpin) + "files = ['none.txt']\n");
  EXPECT_EQ(load_app(folder.path()).error().to_string(),
            folder.path("spin.toml:9:10") +
                ": there is no file or folder 'none.txt', and it is no pattern");
  folder.write("spin.toml",
               std::string(kSpin) + "dependencies = { 'a:b' = { path = 'dep.wasm' } }\n");
  auto app = load_app(folder.path());
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("the dependency 'a:b'"), std::string::npos);
}

}  // namespace
}  // namespace cusp::app
