#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/routes.h"
#include "app/spin_headers.h"
#include "base/assert.h"

// The input is lines: a path, then patterns. Whatever matches accounts for the whole path.
namespace {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (size_t start = 0; start <= text.size();) {
    size_t end = text.find('\n', start);
    if (end == std::string_view::npos) end = text.size();
    lines.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string> lines = split_lines({reinterpret_cast<const char*>(data), size});
  const std::string path = "/" + lines[0];
  std::vector<cusp::app::Route> routes;
  for (size_t i = 1; i < lines.size(); ++i) {
    // One malformed pattern must not hide the others from the fuzzer.
    std::vector<cusp::app::Route> alone{{.pattern = lines[i]}};
    if (cusp::app::Router::create(alone)) routes.push_back({.pattern = lines[i]});
  }
  auto router = cusp::app::Router::create(routes);
  if (!router) return 0;
  auto match = router->match(path);
  if (!match) return 0;
  CUSP_ASSERT(match->route >= routes.data() && match->route < routes.data() + routes.size());
  CUSP_ASSERT(match->path_info.empty() || path.ends_with(match->path_info) || path.ends_with('/'));
  for (const auto& [name, value] : match->params) {
    CUSP_ASSERT(value.find('/') == std::string::npos);
    CUSP_ASSERT(match->route->pattern.find(":" + name) != std::string::npos);
  }
  CUSP_ASSERT(cusp::app::spin_headers(*match, "http", "localhost", path, "127.0.0.1:1").size() ==
              7 + match->params.size());
  return 0;
}
