#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

// The node's own log: one line for each event, on standard error, for a person or (json) for a
// collector. Thread-safe. Messages of guests go through it too, marked with app and component.
namespace cusp::log {

enum class Level { kDebug, kInfo, kWarn, kError };

// Call once, before other threads start. `json`: one object for each line with time, level and
// message.
void configure(Level least, bool json);

void write(Level level, std::string_view message);
bool enabled(Level level);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug))
    write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarn)) write(Level::kWarn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError))
    write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cusp::log
