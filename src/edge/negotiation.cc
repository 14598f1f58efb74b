#include "edge/negotiation.h"

#include <algorithm>

#include "edge/cache/text.h"

namespace cusp::edge {

namespace {

using cache::equal_ignoring_case;
using cache::take_member;
using std::string_view;

// "0.25": one digit before the point, at most three behind it.
std::optional<int> parse_weight(string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * kWeightMax;
  int unit = kWeightMax / 10;
  for (const char digit : text.substr(std::min<size_t>(text.size(), 2))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    weight += (digit - '0') * unit;
    unit /= 10;
  }
  return weight <= kWeightMax ? std::optional(weight) : std::nullopt;
}

}  // namespace

std::optional<int> weight_of(string_view parameters) {
  std::optional<int> weight;
  while (!parameters.empty()) {
    const string_view parameter = take_member(parameters, ';');
    if (parameter.empty()) return std::nullopt;
    if (!equal_ignoring_case(parameter.substr(0, 2), "q=")) continue;
    if (weight) return std::nullopt;  // twice
    weight = parse_weight(parameter.substr(2));
    if (!weight) return std::nullopt;
  }
  return weight.value_or(kWeightMax);
}

bool accepts_html(string_view accept) {
  while (!accept.empty()) {
    string_view member = take_member(accept);
    if (!equal_ignoring_case(take_member(member, ';'), "text/html")) continue;
    if (weight_of(member).value_or(0) > 0) return true;
  }
  return false;
}

void add_vary(http::Fields& fields, string_view name) {
  const auto all = fields.get_all("vary");
  string_view list = all ? string_view(*all) : string_view();
  while (!list.empty()) {
    const string_view member = take_member(list);
    if (member == "*" || equal_ignoring_case(member, name)) return;
  }
  fields.add("vary", name);
}

}  // namespace cusp::edge
