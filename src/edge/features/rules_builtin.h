#pragma once

#include <span>
#include <string_view>

namespace cusp::edge {

// A rule that comes with the node: `when` is an expression.
struct BuiltinRule {
  std::string_view name;
  std::string_view when;
};

// Every one. They look at the target of a request alone, decoded twice, and rather let an attack
// pass than a person's request fail: a search for "union select" is one of the latter.
std::span<const BuiltinRule> builtin_rules();

}  // namespace cusp::edge
