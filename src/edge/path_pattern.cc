#include "edge/path_pattern.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "edge/percent.h"

namespace cusp::edge {

namespace {

std::vector<std::string_view> split_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (size_t start = 0; start <= path.size();) {
    const size_t slash = std::min(path.find('/', start), path.size());
    segments.push_back(path.substr(start, slash - start));
    start = slash + 1;
  }
  return segments;
}

bool is_rest(std::string_view segment) { return segment == "*" || segment == "..."; }

// The name of a hole; nothing for a literal. A digit after the colon makes it one.
std::optional<std::string_view> hole_name(std::string_view segment) {
  if (segment.size() < 2 || segment[0] != ':') return std::nullopt;
  if (std::isalpha(static_cast<unsigned char>(segment[1])) == 0) return std::nullopt;
  return segment.substr(1);
}

Result<> check_segment(std::string_view segment) {
  if (segment.find('*') != segment.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'*' must be a segment of its own, not a part of '{}'", segment));
  }
  for (const char c : segment) {
    if (c > ' ' && c < 0x7f && c != '\\') continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' has to be percent-encoded", segment));
  }
  return {};
}

// Up to the path: scheme and authority, which end where a path, a query or the text does.
Result<std::string_view> split_origin(std::string_view text) {
  const size_t start = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (start == 0) return std::string_view();
  const std::string_view authority = text.substr(start, text.find_first_of("/?#", start) - start);
  const bool valid = !authority.empty() && std::ranges::all_of(authority, [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("-._:[]").contains(static_cast<char>(c));
  });
  if (!valid) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a host", authority));
  }
  return text.substr(0, start + authority.size());
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view text) {
  if (!text.starts_with('/') || text.find_first_of("?#") != text.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a path, which begins with '/' and has no query", text));
  }
  PathPattern pattern;
  const auto segments = split_segments(text);
  for (size_t i = 0; i < segments.size(); ++i) {
    std::string_view segment = segments[i];
    if (is_rest(segment)) {
      if (i + 1 < segments.size()) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("'{}' stands at the end only", segment));
      }
      pattern.takes_rest_ = true;
      pattern.names_.emplace_back("*");
      break;
    }
    CUSP_CHECK(check_segment(segment));
    const auto name = hole_name(segment);
    if (name && std::ranges::find(pattern.names_, *name) != pattern.names_.end()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("':{}' stands twice", *name));
    }
    if (name) pattern.names_.emplace_back(*name);
    pattern.segments_.push_back({name ? "" : std::string(segment), name.has_value()});
  }
  return pattern;
}

std::optional<std::vector<std::string_view>> PathPattern::match(std::string_view path) const {
  if (!path.starts_with('/')) return std::nullopt;
  std::vector<std::string_view> taken;
  std::optional<std::string_view> rest = path.substr(1);  // nothing: the path has ended
  for (const Segment& expected : segments_) {
    if (!rest) return std::nullopt;
    const size_t slash = rest->find('/');
    const std::string_view segment = rest->substr(0, slash);
    if (expected.is_hole ? segment.empty() : segment != expected.literal) return std::nullopt;
    if (expected.is_hole) taken.push_back(segment);
    rest = slash == rest->npos ? std::nullopt : std::optional(rest->substr(slash + 1));
  }
  if (!takes_rest_) return rest ? std::nullopt : std::optional(std::move(taken));
  taken.push_back(rest.value_or(std::string_view()));
  return taken;
}

std::string PathPattern::sample() const {
  std::string path;
  for (const Segment& segment : segments_) path += "/" + (segment.is_hole ? "x" : segment.literal);
  return takes_rest_ ? path + "/x" : path;
}

Result<TargetTemplate> TargetTemplate::parse(std::string_view text,
                                             const std::vector<std::string>& names) {
  TargetTemplate target;
  CUSP_TRY(const std::string_view origin, split_origin(text));
  target.origin_ = origin;
  std::string_view path = text.substr(origin.size());
  if (const size_t end = path.find_first_of("?#"); end != path.npos) {
    const std::string_view suffix = path.substr(end);
    const size_t hash = std::min(suffix.find('#'), suffix.size());
    target.suffix_ = percent_encode_query(suffix.substr(0, hash));
    if (hash < suffix.size()) target.suffix_ += "#" + percent_encode_query(suffix.substr(hash + 1));
    path = path.substr(0, end);
  }
  if (path.empty() && !origin.empty()) path = "/";
  if (!path.starts_with('/') || path.starts_with("//")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is neither a path nor an http or https URL", text));
  }
  std::string literal;
  for (const std::string_view segment : split_segments(path)) {
    literal += '/';
    const auto name = is_rest(segment) ? "*" : hole_name(segment);
    if (!name) {
      CUSP_CHECK(check_segment(segment));
      literal += segment;
      continue;
    }
    const auto hole = std::ranges::find(names, *name);
    if (hole == names.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' does not stand in 'from'", segment));
    }
    target.path_.push_back({std::move(literal), static_cast<size_t>(hole - names.begin())});
    literal.clear();
  }
  target.path_.push_back({std::move(literal), std::nullopt});
  return target;
}

std::string TargetTemplate::expand(const std::vector<std::string_view>& taken,
                                   std::string_view query) const {
  std::string path;
  for (const Piece& piece : path_) {
    path += piece.literal;
    if (piece.hole) path += percent_encode_path(taken[*piece.hole]);
  }
  return with_query(origin_ + with_one_leading_slash(path) + suffix_, query);
}

std::string with_query(std::string_view url, std::string_view query) {
  if (query.empty()) return std::string(url);
  const size_t hash = std::min(url.find('#'), url.size());
  const std::string_view before = url.substr(0, hash);
  return fmt::format("{}{}{}{}", before, before.contains('?') ? '&' : '?',
                     percent_encode_query(query), url.substr(hash));
}

bool has_dot_segments(std::string_view path) {
  std::string decoded = percent_decode(percent_decode(path));
  std::ranges::replace(decoded, '\\', '/');
  if (!decoded.starts_with('/')) decoded.insert(0, "/");
  return std::ranges::any_of(split_segments(decoded), [](std::string_view segment) {
    const std::string_view name = segment.substr(0, segment.find(';'));
    return name == "." || name == "..";
  });
}

std::string with_one_leading_slash(std::string_view path) {
  path.remove_prefix(std::min(path.find_first_not_of("/\\"), path.size()));
  return "/" + std::string(path);
}

}  // namespace cusp::edge
