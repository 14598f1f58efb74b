#include "cli/change_filter.h"

#include <functional>

#include "base/file.h"

namespace cusp::cli {

bool ChangeFilter::is_new(const std::string& path) {
  const auto contents = read_file(path);
  const uint64_t hash = contents ? std::hash<std::string>()(*contents) : 0;
  const auto [entry, inserted] = seen_.try_emplace(path, hash);
  if (inserted) return true;
  return std::exchange(entry->second, hash) != hash;
}

}  // namespace cusp::cli
