#include "app/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace cusp::app {
namespace {

constexpr size_t kWordBytesMax = 64;  // longer ones are no misspelling of ours

// Levenshtein distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string suggest(std::string_view word, const std::vector<std::string>& names) {
  const std::string* nearest = nullptr;
  size_t nearest_distance = kWordBytesMax;
  if (word.size() <= kWordBytesMax) {
    for (const std::string& name : names) {
      if (name.size() > kWordBytesMax) continue;
      size_t distance = edit_distance(word, name);
      if (distance >= nearest_distance || distance > std::max<size_t>(1, name.size() / 3)) continue;
      nearest = &name;
      nearest_distance = distance;
    }
  }
  if (nearest) return fmt::format("; did you mean '{}'?", *nearest);
  if (names.empty()) return {};
  return fmt::format("; known: {}", fmt::join(names, ", "));
}

}  // namespace cusp::app
