#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/suggest.h"
#include "edge/expression/expression.h"
#include "edge/features/challenger.h"
#include "edge/features/features.h"
#include "edge/features/path_rule.h"
#include "edge/features/rules_builtin.h"

// [[edge.rules]]
// name = "admin-from-outside"
// when = 'path starts_with "/admin" and ip not in ["10.0.0.0/8"]'
// action = "block"
//
// [[edge.rules]]
// builtin = ["path-traversal", "control-bytes"]
namespace cusp::edge {

namespace {

constexpr uint16_t kStatusDefault = 403;

enum class Action { kBlock, kChallenge, kLog, kAllow };

struct Rule {
  std::string name;
  Expression when;
  Action action;
  uint16_t status;
};

std::string_view done(Action action) {
  switch (action) {
    case Action::kBlock: return "blocked";
    case Action::kChallenge: return "challenged";
    case Action::kLog: return "logged";
    case Action::kAllow: return "allowed";
  }
  return "";
}

class Rules final : public Feature {
 public:
  Rules(const FeatureContext& context, std::vector<Rule> rules)
      : app_(context.app), rules_(std::move(rules)), challenger_(context) {}

  Phase phase() const override { return Phase::kAuthorize; }

  Outcome act(Exchange& exchange) const override {
    for (const Rule& rule : rules_) {
      if (!rule.when.test(exchange)) continue;
      exchange.explain(
          [&] { return fmt::format("{} by rule '{}'", done(rule.action), rule.name); });
      // Nothing that the client wrote goes into the line; the access log has it, escaped.
      if (!exchange.dry_run) {
        log::info("app '{}': rule '{}' {} a request from {}", app_, rule.name, done(rule.action),
                  exchange.client.address);
      }
      if (rule.action == Action::kBlock) return http::text_response(rule.status, "Forbidden\n");
      if (rule.action == Action::kAllow) break;
      if (rule.action != Action::kChallenge) continue;
      // Who has solved it meets the rules that follow.
      Outcome outcome = challenger_.act(exchange);
      if (!std::holds_alternative<Continue>(outcome)) return outcome;
    }
    return Continue{};
  }

 private:
  const std::string app_;
  const std::vector<Rule> rules_;
  const Challenger challenger_;
};

Action read_action(TableReader& table) {
  const auto value = table.value("action");
  if (!value) return Action::kBlock;
  const std::string text = value->string().value_or("block");
  if (text == "challenge") return Action::kChallenge;
  if (text == "log") return Action::kLog;
  if (text == "allow") return Action::kAllow;
  if (text != "block") value->error("'action' is none of block, challenge, log and allow");
  return Action::kBlock;
}

// The rules that come with the node: those named, or all.
void add_builtin(const Value& value, Action action, uint16_t status, std::vector<Rule>& rules) {
  std::vector<std::string> known;
  for (const BuiltinRule& rule : builtin_rules()) known.emplace_back(rule.name);
  const bool all = value.is_boolean() && value.boolean().value_or(false);
  const auto names = all ? known : value.strings();
  for (const std::string& name : names) {
    const auto rule = std::ranges::find(builtin_rules(), name, &BuiltinRule::name);
    if (rule == builtin_rules().end()) {
      value.error(fmt::format("there is no built-in rule '{}'{}", name, suggest(name, known)));
      continue;
    }
    auto when = Expression::parse_condition(rule->when);
    CUSP_ASSERT(when.has_value());
    rules.push_back({name, std::move(*when), action, status});
  }
}

void read_rule(TableReader& table, size_t number, std::vector<Rule>& rules) {
  const Action action = read_action(table);
  const auto status =
      static_cast<uint16_t>(table.integer("status", 400, 599).value_or(kStatusDefault));
  if (const auto builtin = table.value("builtin")) {
    table.finish();
    return add_builtin(*builtin, action, status, rules);
  }
  std::string name = table.string_or("name", fmt::format("#{}", number));
  const auto when_value = table.value("when");
  auto when = when_value ? read_condition(*when_value) : std::nullopt;
  table.finish();
  if (!when_value) table.error("a rule needs 'when', or 'builtin'");
  if (when) rules.push_back({std::move(name), std::move(*when), action, status});
}

}  // namespace

std::unique_ptr<Feature> read_rules(const Value& value, const FeatureContext& context) {
  std::vector<Rule> rules;
  size_t number = 0;
  for (TableReader& table : read_tables(value, "[[edge.rules]]")) {
    read_rule(table, ++number, rules);
  }
  if (rules.size() > kRulesMax) value.error(fmt::format("more than {} rules", kRulesMax));
  return std::make_unique<Rules>(context, std::move(rules));
}

}  // namespace cusp::edge
