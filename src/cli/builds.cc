#include "cli/builds.h"

#include <fmt/format.h>

#include <chrono>

#include "cli/terminal.h"

namespace cusp::cli {

Result<> run_build(const app::Component& component, Output output, int cancel_descriptor) {
  if (!component.build) return {};
  const auto started = std::chrono::steady_clock::now();
  for (const auto& command : component.build->commands) {
    print_progress(fmt::format("building {}: {}", styled(Style::kBold, component.id, 2), command));
    auto result = run_shell(command, component.build->directory, output, cancel_descriptor);
    if (result) continue;
    Error error = std::move(result).error();
    if (error.code == ErrorCode::kCancelled) return std::unexpected(std::move(error));
    return fail(error.code,
                fmt::format("the build of '{}' failed: {}", component.id, error.message),
                component.place);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
  print_progress(
      fmt::format("built {} in {:.1f} s", styled(Style::kBold, component.id, 2), elapsed.count()));
  return {};
}

}  // namespace cusp::cli
