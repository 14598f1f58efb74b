#include "cli/watch_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace cusp::cli {
namespace {

// What a change of `path` concerns: "reload", "build", or "" for nothing.
std::string effect(const std::vector<WatchRule>& rules, std::string_view path) {
  std::string effect;
  for (const auto& rule : rules) {
    if (!rule.matches(path)) continue;
    if (!rule.component.empty()) return "build";
    effect = "reload";
  }
  return effect;
}

app::App sample(std::vector<std::string> watch) {
  app::App app{.manifest_path = "/app/cusp.toml", .directory = "/app"};
  app::Component component{.id = "api", .source = {.path = "/app/build/api.wasm"}};
  component.build =
      app::Build{.commands = {"make"}, .directory = "/app/api/", .watch = std::move(watch)};
  app.components.push_back(std::move(component));
  return app;
}

std::vector<WatchRule> rules_of(const app::App& app) {
  auto rules = watch_rules(app, {"/state/secrets/app.json"});
  EXPECT_TRUE(rules);
  return rules ? std::move(*rules) : std::vector<WatchRule>();
}

TEST(WatchRules, ManifestEnvironmentAndComponentLoadTheAppAgain) {
  const auto rules = rules_of(sample({"*.c"}));
  EXPECT_EQ(effect(rules, "/app/cusp.toml"), "reload");
  EXPECT_EQ(effect(rules, "/app/.env"), "reload");
  EXPECT_EQ(effect(rules, "/state/secrets/app.json"), "reload");
  EXPECT_EQ(effect(rules, "/state/secrets/lock"), "");
  EXPECT_EQ(effect(rules, "/app/build/api.wasm"), "reload");
  EXPECT_EQ(effect(rules, "/app/build/api.o"), "");
  EXPECT_EQ(effect(rules, "/app/cusp.toml~"), "");
}

TEST(WatchRules, PatternsStartAtTheBuildsFolder) {
  const auto rules = rules_of(sample({"src/**/*.rs", "Cargo.toml", "../common/*.rs"}));
  EXPECT_EQ(effect(rules, "/app/api/src/lib.rs"), "build");
  EXPECT_EQ(effect(rules, "/app/api/src/a/b/c.rs"), "build");
  EXPECT_EQ(effect(rules, "/app/api/Cargo.toml"), "build");
  EXPECT_EQ(effect(rules, "/app/common/x.rs"), "build");
  EXPECT_EQ(effect(rules, "/app/common/deep/x.rs"), "");
  EXPECT_EQ(effect(rules, "/app/src/lib.rs"), "");
  EXPECT_EQ(effect(rules, "/app/api/src/notes.txt"), "");
}

TEST(WatchRules, AFolderOnTheWayToASourceCounts) {
  const auto rules = rules_of(sample({"src/**/*.rs"}));
  EXPECT_EQ(effect(rules, "/app/api/src"), "build");
  EXPECT_EQ(effect(rules, "/app/api"), "build");
  EXPECT_EQ(effect(rules, "/app/ap"), "");
}

TEST(WatchRules, ABuildWithoutAListWatchesTheUsualSources) {
  const auto rules = rules_of(sample({}));
  EXPECT_EQ(effect(rules, "/app/api/src/deep/main.cc"), "build");
  EXPECT_EQ(effect(rules, "/app/api/package.json"), "build");
  EXPECT_EQ(effect(rules, "/app/api/target/x"), "");
}

TEST(WatchRules, MountedFilesLoadTheAppAgain) {
  app::App app = sample({"*.c"});
  app.components[0].files.push_back({.source = "/app/www", .destination = "/"});
  EXPECT_EQ(effect(rules_of(app), "/app/www/deep/index.html"), "reload");
  EXPECT_EQ(effect(rules_of(app), "/app/www2/index.html"), "");
}

TEST(WatchRules, AMalformedPatternIsAnErrorThatNamesIt) {
  const auto rules = watch_rules(sample({"src/[a-"}), {});
  ASSERT_FALSE(rules);
  EXPECT_EQ(rules.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(rules.error().message, testing::HasSubstr("src/[a-"));
}

}  // namespace
}  // namespace cusp::cli
