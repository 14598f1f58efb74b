#include "cli/terminal.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace cusp::cli {

namespace {

using Clock = std::chrono::steady_clock;
const Clock::time_point kStarted = Clock::now();

const char* code_of(Style style) {
  switch (style) {
    case Style::kBold: return "1";
    case Style::kDim: return "2";
    case Style::kRed: return "31";
    case Style::kGreen: return "32";
    case Style::kYellow: return "33";
    case Style::kCyan: return "36";
  }
  return "0";
}

}  // namespace

std::string styled(Style style, std::string_view text, int descriptor) {
  if (!::isatty(descriptor) || std::getenv("NO_COLOR") != nullptr) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", code_of(style), text);
}

void print_error(const Error& error) {
  fmt::print(stderr, "{} {}\n", styled(Style::kRed, "error:", 2), error.to_string());
}

void print_progress(std::string_view message) {
  const double seconds = std::chrono::duration<double>(Clock::now() - kStarted).count();
  fmt::print(stderr, "{} {}\n", styled(Style::kDim, fmt::format("[{:5.1f} s]", seconds), 2),
             message);
}

void Progress::add(size_t count) {
  count_ += count;
  const auto now = Clock::now();
  if (now - told_ < std::chrono::seconds(2)) return;
  told_ = now;
  print_progress(fmt::format("{} {} so far", count_, what_));
}

}  // namespace cusp::cli
