#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Paths with holes, for rules that move requests elsewhere.
namespace cusp::edge {

// "/old/:id/*": ":name" takes one segment, which is not empty; "*" (or "..."), at the end, takes
// the rest, which may be. The rest compares byte by byte: neither case nor percent-encoding is
// folded. Immutable.
class PathPattern {
 public:
  // Errors: kInvalidArgument for a path that does not begin with "/", holds "?" or "#", or names a
  // hole twice.
  static Result<PathPattern> parse(std::string_view text);

  // What the holes took, in the order of names(); nothing when `path` does not fit. The views point
  // into `path`.
  std::optional<std::vector<std::string_view>> match(std::string_view path) const;

  // The holes, "*" for the rest.
  const std::vector<std::string>& names() const { return names_; }
  bool has_holes() const { return !names_.empty(); }
  // A path that fits: "x" stands in each hole.
  std::string sample() const;

 private:
  struct Segment {
    std::string literal;
    bool is_hole = false;
  };
  std::vector<Segment> segments_;  // without the rest
  bool takes_rest_ = false;
  std::vector<std::string> names_;
};

// Where such a path leads: "/new/:id", "/new/*?from=old#top" or "https://example.com/*". Holes
// stand in the path alone, as whole segments, so that what a client sends decides over neither
// scheme, host nor query.
class TargetTemplate {
 public:
  // `names` are those of the pattern. Errors: kInvalidArgument, for unknown names too.
  static Result<TargetTemplate> parse(std::string_view text, const std::vector<std::string>& names);

  // The target with its holes filled, and `query` added to its own. What may not stand in a URL is
  // percent-encoded and a path without a host begins with one slash alone: the result is a valid
  // field value, and stays on the same host where the template does.
  std::string expand(const std::vector<std::string_view>& taken, std::string_view query) const;

  // "https://example.com", empty when the target is a path.
  const std::string& origin() const { return origin_; }
  bool has_fragment() const { return suffix_.contains('#'); }

 private:
  struct Piece {
    std::string literal;  // with the slashes around holes
    std::optional<size_t> hole;
  };
  std::string origin_;
  std::vector<Piece> path_;
  std::string suffix_;  // "?query#fragment"
};

// The URL with `query`, where it is not empty, behind its own and before its fragment.
std::string with_query(std::string_view url, std::string_view query);

// Whether a segment of the path is "." or "..", also percent-encoded or between backslashes: a
// server behind would leave the folder that the path seems to lie in.
bool has_dot_segments(std::string_view path);

// The path with exactly one slash at its start, and no backslash behind it, which browsers take for
// another.
std::string with_one_leading_slash(std::string_view path);

}  // namespace cusp::edge
