#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What the parsers of field values share.
namespace cusp::edge::cache {

char lower(char c);
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);

// Takes the first member off a list (RFC 9110 section 5.6.1): up to the next `separator` outside of
// a quoted string, trimmed; it may be empty.
std::string_view take_member(std::string_view& list, char separator = ',');

// The members of a list in lower case, without the empty ones; at most `max`.
std::vector<std::string> lower_members(std::string_view list, size_t max = 64);

// "abc" for abc and for "\"abc\"", with backslashes taken out.
std::string unquote(std::string_view text);

// Whether `text` fits a pattern in which "*" stands for anything.
bool matches_wildcard(std::string_view pattern, std::string_view text);

}  // namespace cusp::edge::cache
