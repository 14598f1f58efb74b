#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// MessagePack as stores keep their records in. For .cc files.
namespace cusp::store {

inline std::string to_msgpack(const nlohmann::json& value) {
  std::string bytes;
  nlohmann::json::to_msgpack(value, bytes);
  return bytes;
}

// What `read` makes of what the bytes say. Nothing: they are no MessagePack, or of another shape
// than it reads (for which the library throws).
template <class T, class Read>
std::optional<T> from_msgpack(std::string_view bytes, Read read) {
  try {
    return read(nlohmann::json::from_msgpack(bytes));
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace cusp::store
