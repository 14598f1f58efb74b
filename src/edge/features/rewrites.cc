#include <fmt/format.h>

#include "edge/features/features.h"
#include "edge/features/path_rule.h"

// [[edge.rewrites]]
// strip_prefix = "/api"
//
// [[edge.rewrites]]
// from = "/users/:id"
// to = "/v2/users?id=fixed"
namespace cusp::edge {

namespace {

struct Rewrite {
  RequestConditions conditions;
  std::optional<PathRule> rule;
  std::string strip_prefix;  // without the slash at its end, as add_prefix
  std::string add_prefix;

  std::optional<std::string> apply(std::string_view path, std::string_view query) const {
    if (rule) return rule->apply(path, query);
    if (!path.starts_with(strip_prefix)) return std::nullopt;
    path.remove_prefix(strip_prefix.size());
    if (!path.empty() && path[0] != '/') return std::nullopt;
    const std::string_view mark = query.empty() ? "" : "?";
    return fmt::format("{}{}{}{}", add_prefix, with_one_leading_slash(path), mark, query);
  }
};

class Rewrites final : public Feature {
 public:
  explicit Rewrites(std::vector<Rewrite> rules) : rules_(std::move(rules)) {}

  Phase phase() const override { return Phase::kRoute; }

  Outcome act(Exchange& exchange) const override {
    for (const Rewrite& rule : rules_) {
      auto target = rule.apply(exchange.path(), exchange.query());
      if (!target || !rule.conditions.hold(exchange)) continue;
      // An origin that resolves them would leave the folder that the rule put the request in.
      if (has_dot_segments(exchange.path())) {
        exchange.explain([] { return "a path with dot segments is not rewritten"; });
        return http::text_response(400, "Bad Request\n");
      }
      exchange.explain([&] { return fmt::format("to {}", *target); });
      exchange.request.target = std::move(*target);
      break;
    }
    return Continue{};
  }

 private:
  const std::vector<Rewrite> rules_;
};

std::string read_prefix(TableReader& table, std::string_view key) {
  const auto value = table.value(key);
  if (!value) return {};
  std::string prefix = value->string().value_or("");
  const auto pattern = PathPattern::parse(prefix);
  if (!pattern || pattern->has_holes() || prefix == "/") {
    value->error(fmt::format("'{}' must be a path without holes, such as \"/api\"", key));
  }
  if (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

std::optional<Rewrite> read_rewrite(TableReader& table) {
  Rewrite rewrite{.conditions = RequestConditions::read(table)};
  const bool has_rule = table.has("from") || table.has("to");
  if (has_rule) rewrite.rule = PathRule::read(table);
  rewrite.strip_prefix = read_prefix(table, "strip_prefix");
  rewrite.add_prefix = read_prefix(table, "add_prefix");
  const bool has_prefix = table.has("strip_prefix") || table.has("add_prefix");
  table.finish();
  if (has_rule == has_prefix) {
    table.error("a rewrite needs either 'from' and 'to', or 'strip_prefix', 'add_prefix' or both");
    return std::nullopt;
  }
  if (rewrite.rule && (!rewrite.rule->to.origin().empty() || rewrite.rule->to.has_fragment())) {
    table.value("to")->error("'to' of a rewrite is a path: it changes neither host nor fragment");
  }
  return rewrite;
}

}  // namespace

std::unique_ptr<Feature> read_rewrites(const Value& value, const FeatureContext&) {
  std::vector<Rewrite> rules;
  for (TableReader& table : read_tables(value, "[[edge.rewrites]]")) {
    if (auto rule = read_rewrite(table)) rules.push_back(std::move(*rule));
  }
  if (rules.size() > kRulesMax) value.error(fmt::format("more than {} rewrites", kRulesMax));
  return std::make_unique<Rewrites>(std::move(rules));
}

}  // namespace cusp::edge
