#include "edge/features/negotiation.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace cusp::edge {

namespace {

// The member without white space and in lower case: "text/html;q=0.9".
std::string squeezed(std::string_view member) {
  std::string text;
  for (const unsigned char c : member) {
    if (std::isspace(c) == 0) text += static_cast<char>(std::tolower(c));
  }
  return text;
}

// ";q=0", ";q=0.0": not wanted at all.
bool has_zero_weight(std::string_view parameters) {
  const size_t q = parameters.find(";q=");
  if (q == parameters.npos) return false;
  const std::string_view weight = parameters.substr(q + 3, parameters.find(';', q + 1) - q - 3);
  return weight.starts_with('0') && weight.find_first_not_of("0.") == weight.npos;
}

// Whether `test` holds for a member of a list.
template <class Test>
bool any_member(std::string_view list, Test test) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (test(squeezed(list.substr(0, end)))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace

bool accepts_html(std::string_view accept) {
  return any_member(accept, [](std::string_view member) {
    constexpr std::string_view kHtml = "text/html";
    if (!member.starts_with(kHtml)) return false;
    const std::string_view parameters = member.substr(kHtml.size());
    return parameters.empty() || (parameters[0] == ';' && !has_zero_weight(parameters));
  });
}

void vary_by(http::Fields& fields, std::string_view name) {
  const bool named = any_member(fields.get_all("vary").value_or(""), [&](std::string_view member) {
    return member == name || member == "*";
  });
  if (!named) fields.add("vary", name);
}

}  // namespace cusp::edge
