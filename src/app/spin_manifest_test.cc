#include <gtest/gtest.h>

#include "app/manifest.h"

namespace cusp::app {
namespace {

constexpr std::string_view kMinimal = R"(spin_manifest_version = 2
[application]
name = "minimal"
[[trigger.http]]
route = "/..."
component = "hello"
[component.hello]
source = "hello.wasm"
)";

TEST(SpinManifest, AMinimalOneIsReadWithPlacesAndAbsolutePaths) {
  auto app = parse_spin_manifest(kMinimal, "/srv/shop/spin.toml");
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_EQ(app->kind, ManifestKind::kSpin);
  EXPECT_EQ(app->name, "minimal");
  EXPECT_EQ(app->directory, "/srv/shop");
  ASSERT_EQ(app->components.size(), 1u);
  EXPECT_EQ(app->components[0].source.path, "/srv/shop/hello.wasm");
  EXPECT_EQ(app->components[0].place, "/srv/shop/spin.toml:7:1");
  ASSERT_EQ(app->routes.size(), 1u);
  EXPECT_EQ(app->routes[0].pattern, "/...");
  EXPECT_EQ(app->routes[0].component, "hello");
  EXPECT_TRUE(app->warnings.empty());
}

}  // namespace
}  // namespace cusp::app
