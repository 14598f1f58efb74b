#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::edge {

// Many redirects from one file, each looked up in constant time. Holds the file's text and 24 to 32
// bytes for each entry. Immutable and thread-safe.
//
// The file has a line for each: from,to[,status] as RFC 4180 writes it; blank lines, lines that
// begin with "#" and a first line "from,to…" are passed over. `from` is a path, or a path with a
// query, compared byte by byte; `to` a path or an http or https URL.
class RedirectMap {
 public:
  struct Hit {
    std::string_view to;
    uint16_t status;
  };

  // `file` names the text in messages, `status` serves lines without one. Errors: kInvalidArgument,
  // naming the first bad lines as file:line, and redirects that lead in circles.
  static Result<RedirectMap> parse(std::string text, const std::string& file, uint16_t status);

  // `from` as the file writes it.
  std::optional<Hit> find(std::string_view from) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint32_t from_at, to_at;
    uint16_t from_size, to_size, status;
  };
  class Reader;

  std::string_view from(const Entry& entry) const;
  std::string_view to(const Entry& entry) const;
  // The slot that holds `from`, or the free one where it belongs.
  size_t slot_of(std::string_view from) const;
  bool leads_in_circles(const Entry& entry) const;

  std::string text_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // 1 + an entry's index, 0: free; at least twice as many as entries
};

inline constexpr size_t kRedirectMapBytesMax = 32 * 1024 * 1024;
inline constexpr size_t kRedirectsInRowMax = 20;  // as browsers follow, WHATWG Fetch section 4.4

// Whether redirects are answered with it.
bool is_redirect_status(int64_t status);

}  // namespace cusp::edge
