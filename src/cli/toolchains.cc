#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "cli/checks.h"

namespace cusp::cli {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    const std::string candidate = fmt::format("{}/{}", rest.substr(0, colon), name);
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return std::nullopt;
}

// The first line that a program prints; empty when it fails.
std::string first_line(const std::string& command) {
  FILE* output = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (output == nullptr) return "";
  char line[512] = "";
  if (std::fgets(line, sizeof(line), output) == nullptr) line[0] = '\0';
  const bool succeeded = ::pclose(output) == 0;
  std::string text(succeeded ? line : "");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Check missing(std::string name, std::string what, std::string fix) {
  return {.name = std::move(name),
          .verdict = Verdict::kWarning,
          .found = std::move(what),
          .fix = std::move(fix)};
}

Check check_rust() {
  const std::string name = "http-rust";
  if (!find_program("cargo") || !find_program("rustc")) {
    return missing(name, "no cargo",
                   "install Rust 1.91 or newer (rustup), then `rustup target "
                   "add wasm32-wasip2`");
  }
  const std::string version = first_line("rustc --version");
  const std::string root = first_line("rustc --print sysroot");
  std::error_code ignored;
  if (!fs::is_directory(root + "/lib/rustlib/wasm32-wasip2", ignored))
    return missing(name, version + " without wasm32-wasip2", "`rustup target add wasm32-wasip2`");
  return {.name = name, .found = version + " with wasm32-wasip2"};
}

Check check_cpp() {
  const std::string name = "http-cpp";
  const std::string fix =
      "`apt-get install make clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32`";
  if (!find_program("clang++-19")) return missing(name, "no clang++-19", fix);
  if (!find_program("wasm-ld-19")) return missing(name, "no wasm-ld-19", fix);
  if (!find_program("make")) return missing(name, "no make", fix);
  std::error_code ignored;
  if (!fs::exists("/usr/include/wasm32-wasi/wasi/api.h", ignored))
    return missing(name, "no wasi-libc in /usr/include/wasm32-wasi", fix);
  return {.name = name, .found = first_line("clang++-19 --version") + " with wasi-libc"};
}

Check check_js() {
  const std::string name = "http-js";
  const std::string fix = "install Node.js 20 or newer with npm";
  if (!find_program("node")) return missing(name, "no node", fix);
  if (!find_program("npm")) return missing(name, "no npm", fix);
  const std::string version = first_line("node --version");
  if (std::atoi(version.c_str() + (version.starts_with('v') ? 1 : 0)) < 20)
    return missing(name, "Node.js " + version, fix);
  return {.name = name, .found = "Node.js " + version};
}

}  // namespace

std::vector<Check> check_toolchains() { return {check_rust(), check_cpp(), check_js()}; }

}  // namespace cusp::cli
