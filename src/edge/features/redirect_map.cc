#include "edge/features/redirect_map.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <functional>

#include <fmt/format.h>

#include "base/limits.h"

namespace cusp::edge {

namespace {

constexpr size_t kProblemsShown = 5;

// What the bad lines of a file are, without growing with their number.
class Problems {
 public:
  explicit Problems(const std::string& file) : file_(file) {}

  void add(size_t line, std::string_view message) {
    if (++count_ > kProblemsShown) return;
    text_ += fmt::format("{}{}:{}: {}", count_ > 1 ? "; " : "", file_, line, message);
  }
  Result<> result() const {
    if (count_ == 0) return {};
    const size_t hidden = count_ - std::min(count_, kProblemsShown);
    return fail(ErrorCode::kInvalidArgument,
                hidden > 0 ? fmt::format("{}; and {} more", text_, hidden) : text_);
  }

 private:
  const std::string& file_;
  size_t count_ = 0;
  std::string text_;
};

std::string_view trim(std::string_view text) {
  const size_t first = std::min(text.find_first_not_of(" \t\r"), text.size());
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

bool is_url_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && !std::string_view("\"<>\\^`{|}").contains(c);
  });
}

// Where it leads is the operator's word alone: nothing of a request is put into it but its query.
bool is_target(std::string_view to) {
  if (to.starts_with('/')) return !to.starts_with("//");
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (to.starts_with(scheme)) return to.size() > scheme.size() && to[scheme.size()] != '/';
  }
  return false;
}

}  // namespace

bool is_redirect_status(int64_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Reads the lines, whose fields become slices of the text: those in quotes are unescaped in place.
class RedirectMap::Reader {
 public:
  Reader(RedirectMap& map, const std::string& file, uint16_t status)
      : map_(map), status_(status), problems_(file) {}

  Result<> read() {
    std::string& text = map_.text_;
    std::vector<uint32_t> lines;  // of each entry
    size_t line = 0;
    for (size_t start = 0; start < text.size();) {
      const size_t end = std::min(text.find('\n', start), text.size());
      ++line;
      read_line(line, start, end);
      lines.resize(map_.entries_.size(), static_cast<uint32_t>(line));
      start = end + 1;
    }
    index(lines);
    return problems_.result();
  }

 private:
  struct Slice {
    size_t at = 0, size = 0;
  };

  std::string_view view(Slice slice) const {
    return std::string_view(map_.text_).substr(slice.at, slice.size);
  }

  void read_line(size_t line, size_t start, size_t end) {
    const std::string_view whole = trim(std::string_view(map_.text_).substr(start, end - start));
    if (whole.empty() || whole.starts_with('#') || (line == 1 && whole.starts_with("from,to"))) {
      return;
    }
    const auto fields = split(start, end);
    if (!fields) return problems_.add(line, "a quote that does not close");
    if (fields->size() < 2 || fields->size() > 3) {
      return problems_.add(line, "expected from,to or from,to,status");
    }
    const std::string_view from = view((*fields)[0]);
    const std::string_view to = view((*fields)[1]);
    if (!from.starts_with('/') || !is_url_text(from) || from.contains('#')) {
      return problems_.add(line, "'from' must be a path that begins with '/', percent-encoded");
    }
    if (!is_target(to) || !is_url_text(to)) {
      return problems_.add(line, "'to' must be a path or an http or https URL, percent-encoded");
    }
    if (std::max(from.size(), to.size()) > limits::kTargetBytesMax) {
      return problems_.add(line, fmt::format("longer than {} bytes", limits::kTargetBytesMax));
    }
    if (from == to) return problems_.add(line, "it leads to itself");
    uint16_t status = status_;
    if (fields->size() == 3) {
      const std::string_view text = view((*fields)[2]);
      const auto [parsed, error] = std::from_chars(text.data(), text.data() + text.size(), status);
      if (error != std::errc{} || parsed != text.data() + text.size() ||
          !is_redirect_status(status)) {
        return problems_.add(line, "the status must be 301, 302, 303, 307 or 308");
      }
    }
    map_.entries_.push_back({.from_at = static_cast<uint32_t>((*fields)[0].at),
                             .to_at = static_cast<uint32_t>((*fields)[1].at),
                             .from_size = static_cast<uint16_t>(from.size()),
                             .to_size = static_cast<uint16_t>(to.size()),
                             .status = status});
  }

  // At most four fields; nothing when a quote stays open or is followed by more text.
  std::optional<std::vector<Slice>> split(size_t start, size_t end) {
    std::vector<Slice> fields;
    for (size_t at = start; at <= end && fields.size() < 4;) {
      at = std::min(map_.text_.find_first_not_of(" \t", at), end);
      const bool quoted = at < end && map_.text_[at] == '"';
      const auto field = quoted ? read_quoted(at, end) : std::optional(read_plain(at, end));
      if (!field) return std::nullopt;
      fields.push_back(*field);
    }
    return fields;
  }

  // Both leave `at` behind the comma, or behind `end`.
  Slice read_plain(size_t& at, size_t end) {
    const size_t comma = std::min(map_.text_.find(',', at), end);
    const std::string_view field = trim(view({at, comma - at}));
    at = comma + 1;
    return {static_cast<size_t>(field.data() - map_.text_.data()), field.size()};
  }
  std::optional<Slice> read_quoted(size_t& at, size_t end) {
    std::string& text = map_.text_;
    Slice field{at, 0};
    size_t read = at + 1;
    for (; read < end; ++read) {
      const bool doubled = text[read] == '"' && read + 1 < end && text[read + 1] == '"';
      if (text[read] == '"' && !doubled) break;
      read += doubled;
      text[field.at + field.size++] = text[read];
    }
    const size_t comma = std::min(text.find(',', read), end);
    if (read >= end || !trim(view({read + 1, comma - read - 1})).empty()) return std::nullopt;
    at = comma + 1;
    return field;
  }

  void index(const std::vector<uint32_t>& lines) {
    map_.entries_.shrink_to_fit();
    map_.slots_.resize(std::bit_ceil(map_.entries_.size() * 2 + 1));
    for (uint32_t i = 0; i < map_.entries_.size(); ++i) {
      uint32_t& slot = map_.slots_[map_.slot_of(map_.from(map_.entries_[i]))];
      if (slot != 0) {
        problems_.add(lines[i], fmt::format("stands in line {} already", lines[slot - 1]));
      } else {
        slot = i + 1;
      }
    }
    for (uint32_t i = 0; i < map_.entries_.size(); ++i) {
      if (map_.leads_in_circles(map_.entries_[i])) {
        problems_.add(lines[i], fmt::format("leads in circles, or on more than {} times",
                                            kRedirectsInRowMax));
      }
    }
  }

  RedirectMap& map_;
  const uint16_t status_;
  Problems problems_;
};

Result<RedirectMap> RedirectMap::parse(std::string text, const std::string& file, uint16_t status) {
  RedirectMap map;
  map.text_ = std::move(text);
  map.text_.shrink_to_fit();
  CUSP_CHECK(Reader(map, file, status).read());
  return map;
}

std::string_view RedirectMap::from(const Entry& entry) const {
  return std::string_view(text_).substr(entry.from_at, entry.from_size);
}

std::string_view RedirectMap::to(const Entry& entry) const {
  return std::string_view(text_).substr(entry.to_at, entry.to_size);
}

size_t RedirectMap::slot_of(std::string_view key) const {
  size_t slot = std::hash<std::string_view>()(key) & (slots_.size() - 1);
  while (slots_[slot] != 0 && from(entries_[slots_[slot] - 1]) != key) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

std::optional<RedirectMap::Hit> RedirectMap::find(std::string_view key) const {
  const uint32_t index = slots_[slot_of(key)];
  if (index == 0) return std::nullopt;
  return Hit{to(entries_[index - 1]), entries_[index - 1].status};
}

bool RedirectMap::leads_in_circles(const Entry& entry) const {
  std::optional<Hit> hit = Hit{to(entry), entry.status};
  for (size_t i = 0; i <= kRedirectsInRowMax; ++i) {
    hit = find(hit->to.substr(0, hit->to.find('#')));
    if (!hit) return false;
  }
  return true;
}

}  // namespace cusp::edge
