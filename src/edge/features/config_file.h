#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edge/feature.h"

// Files that a feature's configuration names. Read when the configuration is: blocking.
namespace cusp::edge {

// The text of the file that `value` names, below the context's folder; a problem is reported
// through the value and nothing is answered.
std::optional<std::string> read_config_file(const Value& value, const FeatureContext& context,
                                            size_t bytes_max);

inline constexpr size_t kPageBytesMax = 256 * 1024;  // of a page that stands in for a response

struct ConfigLine {
  std::string_view text;
  size_t number;  // from 1
};

// The lines of a list, trimmed; blank ones, and what follows "#", are left out. They point into
// `text`.
std::vector<ConfigLine> list_lines(std::string_view text);

}  // namespace cusp::edge
