#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/table_reader.h"
#include "edge/exchange.h"
#include "edge/expression/expression.h"
#include "edge/path_pattern.h"

// What redirects and rewrites share.
namespace cusp::edge {

// Rules are tried one after the other, so they are not many.
inline constexpr size_t kRulesMax = 1000;

// host = ["old.example", "*.old.example"], scheme = "http", when = 'country == "DE"'
class RequestConditions {
 public:
  // Problems are reported through `table`.
  static RequestConditions read(TableReader& table);

  bool hold(Exchange& exchange) const;
  // Whether they hold for every request.
  bool none() const { return hosts_.empty() && scheme_.empty() && !when_; }

 private:
  std::vector<std::string> hosts_;  // one of them; empty: any
  std::string scheme_;              // empty: any
  std::optional<Expression> when_;
};

// from = "/old/:id", to = "/new/:id", query = "keep" or "drop"
struct PathRule {
  PathPattern from;
  TargetTemplate to;
  bool keep_query = true;

  // Nothing after a problem, which is reported through `table`.
  static std::optional<PathRule> read(TableReader& table);

  // Where the request's target leads by this rule; nothing when its path does not fit.
  std::optional<std::string> apply(std::string_view path, std::string_view query) const;
};

// query = "keep" (the default) or "drop"
bool read_keep_query(TableReader& table);

// The tables of `value`: an array of them, or a single one. `what` names each in messages.
std::vector<TableReader> read_tables(const Value& value, std::string_view what);

}  // namespace cusp::edge
