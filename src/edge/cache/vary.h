#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/fields.h"

namespace cusp::edge::cache {

// The request fields that chose one of several responses to a URL, as the response's Vary names
// them (RFC 9111 section 4.1), with the values they had. Empty: no Vary.
struct Variance {
  struct Choice {
    std::string name;                  // in lower case
    std::optional<std::string> value;  // normalised; nothing when the request has no such field
    bool operator==(const Choice&) const = default;
  };
  std::vector<Choice> choices;
  std::string content_language;  // the response's, in lower case; for Accept-Language

  // Whether `request` would have chosen the same.
  bool matches(const http::Fields& request) const;
  bool operator==(const Variance& other) const { return choices == other.choices; }
};

// Nothing when the response says "*", which no request matches.
std::optional<Variance> variance_of(const http::Fields& request, const http::Fields& response);

// A value without what does not change its meaning: white space around commas, lines combined; for
// Accept-Language and Accept-Encoding also case and order.
std::string normalised_value(std::string_view name, std::string_view value);

// The language that the client likes best: nothing when it has no clear first choice by weight.
std::optional<std::string> preferred_language(std::string_view accept_language);

}  // namespace cusp::edge::cache
