#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cusp::edge::cache {

// The part of structured fields (RFC 9651) that caching needs: dictionaries. Parameters and inner
// lists are checked and left out.
enum class ItemType : uint8_t { kInteger, kDecimal, kString, kToken, kBytes, kBoolean, kInnerList };

struct Item {
  ItemType type = ItemType::kBoolean;
  int64_t integer = 1;  // of an integer or a boolean
  std::string text;     // of a string or a token
};

using Dictionary = std::vector<std::pair<std::string, Item>>;

// Nothing when the text is not a dictionary. A key that comes twice counts where it came last.
std::optional<Dictionary> parse_dictionary(std::string_view text);

// A string in the form that structured fields have; bytes that it cannot hold become "?".
std::string structured_string(std::string_view text);

}  // namespace cusp::edge::cache
