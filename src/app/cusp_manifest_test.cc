#include <gtest/gtest.h>

#include "app/manifest.h"

namespace cusp::app {
namespace {

using namespace std::chrono_literals;

Result<App> parse(std::string_view text) {
  return parse_cusp_manifest(text, "/srv/shop/cusp.toml");
}

TEST(CuspManifest, OneComponentNeedsNoRoute) {
  auto app = parse("name = 'hello'\n[component.web]\nsource = 'web.wasm'\n");
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_EQ(app->kind, ManifestKind::kCusp);
  ASSERT_EQ(app->routes.size(), 1u);
  EXPECT_EQ(app->routes[0].pattern, "/...");
  EXPECT_EQ(app->routes[0].component, "web");
  EXPECT_EQ(app->components[0].limits.memory_bytes_max, limits::kGuestMemoryBytesMax);
}

TEST(CuspManifest, EveryKeyIsRead) {
  auto app = parse(R"(name = "shop"
version = "1.2.3"
description = "sells"
hosts = ["Shop.example.com", "*.shop.example.com"]
[limits]
memory = "64MiB"
queue = 5
[variables]
token = { required = true, secret = true }
[component.api]
source = "api.wasm"
variables = { token = "{{ token }}" }
reuse = { requests = 100, idle = "30s" }
[component.api.limits]
table_elements = 10
cpu_time = "20ms"
wall_time = "2s"
body = "10MB"
subrequests = 3
concurrency = 7
[[route]]
path = "/api/..."
component = "api"
[[route]]
path = "/cgi"
component = "api"
executor = { type = "wagi" }
[[route]]
path = "/health"
static = { status = 204, headers = { cache-control = "no-store" } }
[[route]]
path = "/old"
redirect = "/new"
[[route]]
path = "/older"
redirect = { to = "https://example.com/", status = 301 }
[tool.editor]
anything = true
)");
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_EQ(app->hosts, (std::vector<std::string>{"shop.example.com", "*.shop.example.com"}));
  const Component& api = app->components[0];
  EXPECT_EQ(api.reuse.requests, 100u);
  EXPECT_EQ(api.reuse.idle, 30s);
  EXPECT_EQ(api.limits.memory_bytes_max, 64u << 20);
  EXPECT_EQ(api.limits.queue_max, 5u);
  EXPECT_EQ(api.limits.table_elements_max, 10u);
  EXPECT_EQ(api.limits.cpu_time_max, 20ms);
  EXPECT_EQ(api.limits.wall_time_max, 2s);
  EXPECT_EQ(api.limits.body_bytes_max, 10'000'000u);
  EXPECT_EQ(api.limits.subrequests_max, 3u);
  EXPECT_EQ(api.limits.concurrency_max, 7u);
  ASSERT_EQ(app->routes.size(), 5u);
  EXPECT_EQ(app->routes[1].executor, Executor::kWagi);
  EXPECT_EQ(app->routes[2].static_response->status, 204);
  EXPECT_EQ(app->routes[3].static_response->status, 308);
  EXPECT_EQ(app->routes[3].static_response->headers[0].second, "/new");
  EXPECT_EQ(app->routes[4].static_response->status, 301);
}

struct Case {
  std::string text;
  std::string_view place;
  std::string_view message;
};

TEST(CuspManifest, MistakesGiveTheirPlaceAndTheNearestName) {
  std::string head = "name = 'x'\n[component.a]\nsource = 'a.wasm'\n";
  std::string route = head + "[[route]]\npath = '/'\n";
  for (const auto& [text, place, message] : {
           Case{"", "1:1", "the file needs the key 'name'"},
           {"name = 'x'", "1:1", "the manifest needs a [[route]]"},
           {"nme = 'x'\n" + head.substr(11), "1:1", "unknown key 'nme' in the file; did you mean"},
           {"hosts = ['a:80']\n" + head, "1:9", "'a:80' in 'hosts' is not a host name"},
           {head + "targets = []", "4:1", "unknown key 'targets' in [component.a]"},
           {head + "allowed_http_hosts = []", "4:1", "unknown key 'allowed_http_hosts'"},
           {head + "reuse = 5", "4:9", "'reuse' must be a table"},
           {head + "reuse = { requests = 0 }", "4:22", "'requests' must be between 1 and"},
           {head + "reuse = { idle = '5' }", "4:18", "'idle': '5' is not a duration"},
           {head + "limits = { memory = '5' }", "4:21", "'memory': '5' is not a size"},
           {head + "limits = { memory = 5 }", "4:21", "'memory' must be a string"},
           {head + "limits = { cpu = '5ms' }", "4:12", "unknown key 'cpu' in 'limits'"},
           {head + "limits = { queue = -1 }", "4:20", "'queue' must be between 0 and"},
           {head + "limits = { queue = 4294967296 }", "4:20", "'queue' must be between 0 and"},
           {head + "[route]\npath = '/'", "4:1", "'route' must be an array of tables"},
           {head + "[[route]]\ncomponent = 'a'", "4:1", "[[route]] needs the key 'path'"},
           {head + "[[route]]\npath = 'x'\ncomponent = 'a'", "4:1", "the path 'x' must begin"},
           {route, "4:1", "[[route]] needs exactly one of"},
           {route + "component = 'a'\nredirect = '/'", "4:1", "[[route]] needs exactly one of"},
           {route + "component = 'b'", "6:13", "there is no component 'b'; did you mean 'a'?"},
           {route + "redirect = ''", "6:12", "a redirect needs a URL"},
           {route + "redirect = \"/a\\r\\nb: c\"", "6:12", "a redirect needs a URL"},
           {route + "redirect = { to = '/', status = 305 }", "6:12", "the status of a redirect"},
           {route + "redirect = { too = '/' }", "6:14", "unknown key 'too' in 'redirect'"},
           {route + "static = 'x'", "6:10", "'static' must be a table"},
           {route + "static = {}\nexecutor = { type = 'wagi' }", "7:1", "unknown key 'executor'"},
           {route + "component = 'a'\n[[route]]\npath = '/'\ncomponent = 'a'", "7:1",
            "the route '/' matches the same paths as '/' at /srv/shop/cusp.toml:4:1"},
           {head + "[component.b]\nsource = 'b.wasm'", "1:1", "the manifest needs a [[route]]"},
       }) {
    auto app = parse(text);
    ASSERT_FALSE(app) << text;
    EXPECT_EQ(app.error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_EQ(app.error().context, "/srv/shop/cusp.toml:" + std::string(place)) << text;
    EXPECT_EQ(app.error().message.substr(0, message.size()), message) << text;
  }
}

}  // namespace
}  // namespace cusp::app
