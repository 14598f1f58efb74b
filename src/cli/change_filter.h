#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace cusp::cli {

// Tells a file that says something new from one that was only written again, so that a build that
// rewrites its own sources does not start itself for ever. Not thread-safe.
class ChangeFilter {
 public:
  // Whether the file's contents, or their absence, differ from those at the last call for `path`;
  // true at the first one. Reads the file.
  bool is_new(const std::string& path);

 private:
  std::map<std::string, uint64_t> seen_;  // path → hash of what was there
};

}  // namespace cusp::cli
