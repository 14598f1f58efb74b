#include "edge/features/path_rule.h"

#include <algorithm>

#include <fmt/format.h>

#include "edge/host_name.h"

namespace cusp::edge {

RequestConditions RequestConditions::read(TableReader& table) {
  RequestConditions conditions;
  if (const auto hosts = table.value("host")) {
    for (const std::string& host : hosts->one_or_many_strings()) {
      const std::string name = host_name(host);
      if (name.empty() || name.size() != host.size() || name.find_first_of("/ ") != name.npos) {
        hosts->error(fmt::format("'{}' is not a host name without port", host));
      }
      conditions.hosts_.push_back(name);
    }
  }
  if (const auto scheme = table.value("scheme")) {
    conditions.scheme_ = scheme->string().value_or("http");
    if (conditions.scheme_ != "http" && conditions.scheme_ != "https") {
      scheme->error("'scheme' must be \"http\" or \"https\"");
    }
  }
  if (const auto when = table.value("when")) conditions.when_ = read_condition(*when);
  return conditions;
}

bool RequestConditions::hold(Exchange& exchange) const {
  if (!scheme_.empty() && exchange.request.scheme != scheme_) return false;
  if (!hosts_.empty()) {
    const std::string host = host_name(exchange.request.authority);
    const bool known = std::ranges::any_of(
        hosts_, [&](const std::string& pattern) { return host_matches(pattern, host); });
    if (!known) return false;
  }
  return !when_ || when_->test(exchange);
}

bool read_keep_query(TableReader& table) {
  const auto query = table.value("query");
  if (!query) return true;
  const std::string text = query->string().value_or("keep");
  if (text != "keep" && text != "drop") query->error("'query' must be \"keep\" or \"drop\"");
  return text != "drop";
}

std::optional<PathRule> PathRule::read(TableReader& table) {
  const std::string from_text = table.required_string("from");
  const std::string to_text = table.required_string("to");
  const bool keep_query = read_keep_query(table);
  if (from_text.empty() || to_text.empty()) return std::nullopt;
  auto from = PathPattern::parse(from_text);
  if (!from) {
    table.value("from")->error(fmt::format("'from': {}", from.error().message));
    return std::nullopt;
  }
  auto to = TargetTemplate::parse(to_text, from->names());
  if (!to) {
    table.value("to")->error(fmt::format("'to': {}", to.error().message));
    return std::nullopt;
  }
  return PathRule{std::move(*from), std::move(*to), keep_query};
}

std::optional<std::string> PathRule::apply(std::string_view path, std::string_view query) const {
  const auto taken = from.match(path);
  if (!taken) return std::nullopt;
  return to.expand(*taken, keep_query ? query : std::string_view());
}

std::vector<TableReader> read_tables(const Value& value, std::string_view what) {
  std::vector<TableReader> tables;
  if (value.is_table()) {
    tables.push_back(*value.table(std::string(what)));
  } else if (value.is_array()) {
    for (const Value& element : value.elements()) {
      if (auto table = element.table(std::string(what))) tables.push_back(std::move(*table));
    }
  } else {
    value.wrong_type("a table or an array of tables");
  }
  return tables;
}

}  // namespace cusp::edge
