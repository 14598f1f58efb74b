#pragma once

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

}  // namespace cusp::cli
