#include "base/log.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace cusp::log {

namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// A guest chooses parts of a message: nothing in it may look like another line, or move a
// terminal's cursor.
std::string escape(std::string_view text, bool json) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (json && (c == '"' || c == '\\')) {
      result.push_back('\\');
      result.push_back(c);
    } else if (byte < 0x20 && !(c == '\n' && !json) && c != '\t') {
      result.append(json ? fmt::format("\\u{:04x}", byte) : fmt::format("\\x{:02x}", byte));
    } else if (c == '\t' && json) {
      result.append("\\t");
    } else if (byte == 0x7f) {
      result.append(json ? "\\u007f" : "\\x7f");
    } else {
      result.push_back(c);
    }
  }
  return result;
}

bool json_lines = false;

}  // namespace

void configure(Level least, bool json) {
  json_lines = json;
  auto logger = std::make_shared<spdlog::logger>(
      "cusp", std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>());
  logger->set_level(to_spdlog(least));
  logger->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})"
                           : "%H:%M:%S.%e %^%-5l%$ %v");
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view message) {
  spdlog::log(to_spdlog(level), "{}", escape(message, json_lines));
}

bool enabled(Level level) { return spdlog::should_log(to_spdlog(level)); }

}  // namespace cusp::log
