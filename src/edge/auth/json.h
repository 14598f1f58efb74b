#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace cusp::edge {

inline constexpr size_t kJsonDepthMax = 16;

// A JSON object from outside. Nothing for what is malformed, no object, or nested deeper than
// kJsonDepthMax; how long it may be is for the caller to check.
std::optional<nlohmann::json> parse_json_object(std::string_view text);

}  // namespace cusp::edge
