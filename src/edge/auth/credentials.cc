#include "edge/auth/credentials.h"

#include <algorithm>

#include <fmt/format.h>

#include "edge/cache/text.h"
#include "edge/percent.h"

namespace cusp::edge {

namespace {

using std::string_view;

// Splits a list without quotes: cookies, parameters.
string_view take(string_view& list, char separator) {
  const size_t end = std::min(list.find(separator), list.size());
  const string_view member = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return member;
}

string_view query_of(string_view target) {
  const size_t question = target.find('?');
  return question == target.npos ? string_view() : target.substr(question + 1);
}

std::string name_of(string_view parameter) {
  return form_decode(parameter.substr(0, parameter.find('=')));
}

bool same_for_scripts(string_view a, string_view b) {
  return std::ranges::equal(
      a, b, [](char x, char y) { return (x == '_' ? '-' : x) == (y == '_' ? '-' : y); });
}

}  // namespace

std::optional<std::string> authorization(const http::Fields& fields, string_view scheme) {
  if (fields.count("authorization") != 1) return std::nullopt;
  const string_view value = *fields.get("authorization");
  const size_t space = value.find(' ');
  if (space == value.npos || !cache::equal_ignoring_case(value.substr(0, space), scheme)) {
    return std::nullopt;
  }
  return std::string(cache::trim(value.substr(space)));
}

std::optional<std::string> find_cookie(const http::Fields& fields, string_view name) {
  for (const auto [field, value] : fields) {
    if (field != "cookie") continue;
    string_view list = value;
    while (!list.empty()) {
      const string_view pair = cache::trim(take(list, ';'));
      const size_t equals = pair.find('=');
      if (equals == pair.npos || cache::trim(pair.substr(0, equals)) != name) continue;
      string_view text = cache::trim(pair.substr(equals + 1));
      if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
        text = text.substr(1, text.size() - 2);
      }
      return std::string(text);
    }
  }
  return std::nullopt;
}

void remove_cookie(http::Fields& fields, string_view name) {
  std::string others;
  for (const auto [field, value] : fields) {
    if (field != "cookie") continue;
    string_view list = value;
    while (!list.empty()) {
      const string_view pair = cache::trim(take(list, ';'));
      if (pair.empty() || cache::trim(pair.substr(0, pair.find('='))) == name) continue;
      if (!others.empty()) others += "; ";
      others += pair;
    }
  }
  fields.remove("cookie");
  if (!others.empty()) fields.add("cookie", others);
}

std::optional<std::string> find_parameter(string_view target, string_view name) {
  std::optional<std::string> found;
  string_view query = query_of(target);
  while (!query.empty()) {
    const string_view parameter = take(query, '&');
    if (name_of(parameter) != name) continue;
    if (found) return std::nullopt;
    const size_t equals = parameter.find('=');
    found = equals == parameter.npos ? "" : form_decode(parameter.substr(equals + 1));
  }
  return found;
}

std::string without_parameter(string_view target, string_view name) {
  std::string kept(target.substr(0, target.find('?')));
  string_view query = query_of(target);
  char separator = '?';
  while (!query.empty()) {
    const string_view parameter = take(query, '&');
    if (name_of(parameter) == name) continue;
    kept += separator;
    kept += parameter;
    separator = '&';
  }
  return kept;
}

std::string TrustedField::read_name(const Value& value, std::string name) {
  name = cache::to_lower(name);
  if (!http::valid_field_name(name)) {
    value.error(fmt::format("'{}' is not the name of a header field", name));
  }
  return name;
}

void TrustedField::remove_forged(http::Fields& fields) const {
  std::vector<std::string> forged;
  for (const auto [name, _] : fields) {
    if (same_for_scripts(name, name_)) forged.emplace_back(name);
  }
  for (const std::string& name : forged) fields.remove(name);
}

void TrustedField::set(http::Fields& fields, string_view text) const {
  fields.try_add(name_, text);
}

http::Response unauthorized(std::string challenge) {
  http::Response response = http::text_response(401, "Unauthorized\n");
  response.fields.set("www-authenticate", challenge);
  response.fields.set("cache-control", "no-store");
  return response;
}

http::Response forbidden(string_view text) {
  http::Response response = http::text_response(403, std::string(text));
  response.fields.set("cache-control", "no-store");
  return response;
}

std::string quoted_string(string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace cusp::edge
