#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cusp::app {

// A piece of a text such as "https://{{ api_host }}/v1".
struct TemplatePart {
  bool is_variable = false;
  std::string text;  // a literal, or the variable's name without braces and blanks
};

// Splits a text at its "{{ name }}" expressions, Spin's rules: a lone "}}" is literal. Errors:
// kInvalidArgument for "{{" without "}}".
Result<std::vector<TemplatePart>> parse_template(std::string_view text);

}  // namespace cusp::app
