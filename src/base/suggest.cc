#include "base/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace cusp {
namespace {

constexpr size_t kWordBytesMax = 64;  // longer ones are no misspelling of ours

// How many letters were added, left out, replaced or swapped with their neighbour (the "optimal
// string alignment" distance).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
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

}  // namespace cusp
