#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/manifest.h"
#include "app/routes.h"
#include "base/assert.h"

// Any text is a manifest or an error with a place; what was accepted holds together.
namespace {

void check(const cusp::Result<cusp::app::App>& app) {
  if (!app) {
    CUSP_ASSERT(!app.error().message.empty());
    CUSP_ASSERT(app.error().context.starts_with("fuzz.toml"));
    return;
  }
  CUSP_ASSERT(cusp::app::Router::create(app->routes));
  for (const cusp::app::Route& route : app->routes) {
    CUSP_ASSERT(route.static_response || app->find_component(route.component));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check(cusp::app::parse_spin_manifest(text, "fuzz.toml"));
  check(cusp::app::parse_spin_manifest(text, "fuzz.toml", {.profile = "debug"}));
  check(cusp::app::parse_cusp_manifest(text, "fuzz.toml"));
  return 0;
}
