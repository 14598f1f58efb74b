#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

// What a person sees. Colours only on a terminal, and not with NO_COLOR set.
namespace cusp::cli {

enum class Style { kBold, kDim, kRed, kGreen, kYellow, kCyan };

// `text` in that style if `descriptor` (1 or 2) is a terminal.
std::string styled(Style style, std::string_view text, int descriptor = 1);

// "error: cusp.toml:3:1: …" on standard error.
void print_error(const Error& error);

// One line on standard error, with the time since the program's start: "[  1.2 s] compiling …".
void print_progress(std::string_view message);

// How far work is of which nobody knows how long it takes: such a line every two seconds.
class Progress {
 public:
  // "rows": what is counted.
  explicit Progress(std::string what) : what_(std::move(what)) {}
  void add(size_t count = 1);

 private:
  using Clock = std::chrono::steady_clock;
  const std::string what_;
  size_t count_ = 0;
  Clock::time_point told_ = Clock::now();
};

}  // namespace cusp::cli
