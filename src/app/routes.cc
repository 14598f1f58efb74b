#include "app/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace cusp::app {
namespace {

// One path segment of a pattern as a row of pieces: "report.:year.:format" is the literal
// "report.", a parameter, the literal "." and a parameter. A literal follows every parameter but
// the last.
struct Piece {
  bool is_param = false;
  std::string text;  // of a literal; a parameter's name stands in Leaf, since it takes no part in
                     // matching
  bool operator==(const Piece&) const = default;
};
using Segment = std::vector<Piece>;

struct Pattern {
  std::vector<Segment> segments;
  std::vector<std::string> param_names;
  bool has_wildcard = false;
};

bool is_plain_literal(const Segment& segment) {
  return segment.size() == 1 && !segment[0].is_param;
}
bool is_plain_param(const Segment& segment) { return segment.size() == 1 && segment[0].is_param; }

// How strongly a segment of parameters and literals asks to be tried first: a leading literal, then
// more dots.
auto mixed_rank(const Segment& segment) {
  return std::pair(segment[0].is_param ? 0 : 1, segment.size());
}

Result<Segment> parse_segment(std::string_view text, std::vector<std::string>& param_names) {
  Segment segment;
  std::string literal;
  auto flush = [&] {
    if (!literal.empty()) segment.push_back({false, std::move(literal)});
    literal.clear();
  };
  for (size_t start = 0; start <= text.size();) {
    size_t dot = std::min(text.find('.', start), text.size());
    std::string_view part = text.substr(start, dot - start);
    if (part == ":") {
      return fail(ErrorCode::kInvalidArgument, "a parameter needs a name, such as \":id\"");
    }
    if (part.starts_with(':')) {
      flush();
      segment.push_back({true, {}});
      param_names.emplace_back(part.substr(1));
    } else {
      literal += part;
    }
    if (dot < text.size()) literal += '.';
    start = dot + 1;
  }
  flush();
  return segment;
}

Result<Pattern> parse_pattern(std::string_view text) {
  Pattern pattern;
  std::vector<std::string_view> parts;
  for (size_t start = 0; start < text.size();) {
    size_t slash = std::min(text.find('/', start), text.size());
    if (slash > start) parts.push_back(text.substr(start, slash - start));
    start = slash + 1;
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    bool is_last = i + 1 == parts.size();
    if (parts[i] == "..." || parts[i] == "*") {
      if (!is_last) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("'{}' may only stand at the end", parts[i]));
      }
      pattern.has_wildcard = true;
      continue;
    }
    if (parts[i].starts_with('*')) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("a wildcard has no name; write \"/...\" in place of '{}'", parts[i]));
    }
    if (parts[i].ends_with("...")) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"...\" must be a segment of its own; write \"{}/...\"",
                              parts[i].substr(0, parts[i].size() - 3)));
    }
    CUSP_TRY(Segment segment, parse_segment(parts[i], pattern.param_names));
    pattern.segments.push_back(std::move(segment));
  }
  for (size_t i = 0; i < pattern.param_names.size(); ++i) {
    auto end = pattern.param_names.begin() + static_cast<ptrdiff_t>(i);
    if (std::find(pattern.param_names.begin(), end, pattern.param_names[i]) == end) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the parameter ':{}' stands twice", pattern.param_names[i]));
  }
  return pattern;
}

using Captures = std::vector<std::string_view>;

// Whether `text` is `segment`, adding what its parameters took. A parameter that a literal follows
// ends at the next dot, the last one takes the rest.
bool match_mixed(const Segment& segment, std::string_view text, Captures& captures) {
  for (size_t i = 0; i < segment.size(); ++i) {
    if (!segment[i].is_param) {
      if (!text.starts_with(segment[i].text)) return false;
      text.remove_prefix(segment[i].text.size());
      continue;
    }
    if (text.empty()) return false;
    size_t end = i + 1 < segment.size() ? text.find('.') : text.size();
    if (end == std::string_view::npos) return false;
    captures.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return text.empty();
}

}  // namespace

// A node stands for the segments on the way to it, so one path leads to it at most once: matching
// visits each node once at most, whatever the patterns.
struct Router::Node {
  struct Leaf {
    const Route* route = nullptr;
    std::vector<std::string> param_names;
  };
  struct Mixed;

  std::map<std::string, Node, std::less<>> literals;
  std::vector<Mixed> mixed;  // best rank first
  std::unique_ptr<Node> param;
  Leaf exact;     // the path ends here
  Leaf wildcard;  // "/..." follows

  Node& child(const Segment& segment);
  // The leaf that `rest` leads to. `at_end`: nothing is left, not even an empty segment. Sets
  // `swallowed` to what a wildcard took.
  const Leaf* find(std::string_view rest, bool at_end, Captures& captures,
                   std::optional<std::string_view>& swallowed) const;
};

struct Router::Node::Mixed {
  Segment segment;
  std::unique_ptr<Node> node;
};

Router::Node& Router::Node::child(const Segment& segment) {
  if (is_plain_literal(segment)) return literals[segment[0].text];
  if (is_plain_param(segment)) {
    if (!param) param = std::make_unique<Node>();
    return *param;
  }
  for (Mixed& candidate : mixed) {
    if (candidate.segment == segment) return *candidate.node;
  }
  auto place = std::ranges::find_if(mixed, [&](const Mixed& candidate) {
    return mixed_rank(candidate.segment) < mixed_rank(segment);
  });
  return *mixed.insert(place, {segment, std::make_unique<Node>()})->node;
}

const Router::Node::Leaf* Router::Node::find(std::string_view rest, bool at_end, Captures& captures,
                                             std::optional<std::string_view>& swallowed) const {
  if (at_end && exact.route) return &exact;
  if (!at_end) {
    size_t slash = rest.find('/');
    std::string_view segment = rest.substr(0, slash);
    bool is_last = slash == std::string_view::npos;
    std::string_view next = is_last ? std::string_view{} : rest.substr(slash + 1);
    if (auto literal = literals.find(segment); literal != literals.end()) {
      if (const Leaf* leaf = literal->second.find(next, is_last, captures, swallowed)) return leaf;
    }
    size_t taken = captures.size();
    for (const Mixed& candidate : mixed) {
      if (match_mixed(candidate.segment, segment, captures)) {
        if (const Leaf* leaf = candidate.node->find(next, is_last, captures, swallowed)) {
          return leaf;
        }
      }
      captures.resize(taken);
    }
    if (param) {
      captures.push_back(segment);
      if (const Leaf* leaf = param->find(next, is_last, captures, swallowed)) return leaf;
      captures.resize(taken);
    }
  }
  if (!wildcard.route) return nullptr;
  swallowed = rest;
  return &wildcard;
}

Result<Router> Router::create(const std::vector<Route>& routes) {
  auto root = std::make_shared<Node>();
  for (const Route& route : routes) {
    if (route.is_private) continue;
    auto pattern = parse_pattern(route.pattern);
    if (!pattern) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("the route '{}' is malformed: {}", route.pattern, pattern.error().message),
          route.place);
    }
    Node* node = root.get();
    for (const Segment& segment : pattern->segments) node = &node->child(segment);
    Node::Leaf& leaf = pattern->has_wildcard ? node->wildcard : node->exact;
    if (leaf.route) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the route '{}' matches the same paths as '{}' at {}", route.pattern,
                              leaf.route->pattern, leaf.route->place),
                  route.place);
    }
    leaf = {&route, std::move(pattern->param_names)};
  }
  Router router;
  router.root_ = std::move(root);
  return router;
}

std::optional<RouteMatch> Router::match(std::string_view path) const {
  bool trailing_slash = path.ends_with('/');
  std::string_view trimmed = path;
  trimmed.remove_prefix(std::min(trimmed.find_first_not_of('/'), trimmed.size()));
  trimmed = trimmed.substr(0, trimmed.find_last_not_of('/') + 1);

  Captures captures;
  std::optional<std::string_view> swallowed;
  const Node::Leaf* leaf = root_->find(trimmed, trimmed.empty(), captures, swallowed);
  if (!leaf) return std::nullopt;
  RouteMatch match{.route = leaf->route};
  match.params.reserve(captures.size());
  for (size_t i = 0; i < captures.size(); ++i) {
    match.params.emplace_back(leaf->param_names[i], captures[i]);
  }
  if (swallowed) {
    if (!swallowed->empty()) match.path_info.append("/").append(*swallowed);
    if (trailing_slash) match.path_info += '/';
  }
  return match;
}

}  // namespace cusp::app
