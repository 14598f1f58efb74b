#include "app/spin_headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace cusp::app {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Names {
  std::string_view header;
  std::string_view variable;
};
constexpr Names kPathInfo{"spin-path-info", "PATH_INFO"};
constexpr Names kFullUrl{"spin-full-url", "X_FULL_URL"};
constexpr Names kMatchedRoute{"spin-matched-route", "X_MATCHED_ROUTE"};
constexpr Names kBasePath{"spin-base-path", "X_BASE_PATH"};
constexpr Names kRawRoute{"spin-raw-component-route", "X_RAW_COMPONENT_ROUTE"};
constexpr Names kRoute{"spin-component-route", "X_COMPONENT_ROUTE"};
constexpr Names kClientAddress{"spin-client-addr", "X_CLIENT_ADDR"};
constexpr Names kPathMatch{"spin-path-match-", "X_PATH_MATCH_"};
constexpr std::array kAll{kPathInfo, kFullUrl, kMatchedRoute, kBasePath,
                          kRawRoute, kRoute,   kClientAddress};

std::string header_suffix(std::string_view name) {
  std::string suffix(name);
  std::ranges::transform(suffix, suffix.begin(),
                         [](unsigned char c) { return c == '_' ? '-' : std::tolower(c); });
  return suffix;
}

std::string variable_suffix(std::string_view name) {
  std::string suffix(name);
  std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) { return std::toupper(c); });
  return suffix;
}

struct Request {
  std::string_view scheme, authority, target, client_address;
};

// `Member` picks which of the two names, `suffix` how a parameter's name ends it.
Fields fields(const RouteMatch& match, const Request& request, std::string_view Names::* member,
              std::string (*suffix)(std::string_view)) {
  std::string_view raw = match.route->pattern;
  std::string_view without_wildcard = raw;
  if (raw.ends_with("/...")) without_wildcard.remove_suffix(4);
  Fields result;
  result.reserve(kAll.size() + match.params.size());
  auto add = [&](const Names& names, std::string value) {
    result.emplace_back(names.*member, std::move(value));
  };
  add(kPathInfo, match.path_info);
  add(kFullUrl, fmt::format("{}://{}{}", request.scheme, request.authority, request.target));
  add(kMatchedRoute, matched_route(raw));
  add(kBasePath, "/");
  add(kRawRoute, std::string(raw));
  add(kRoute, std::string(without_wildcard));
  add(kClientAddress, std::string(request.client_address));
  for (const auto& [name, value] : match.params) {
    result.emplace_back(fmt::format("{}{}", kPathMatch.*member, suffix(name)), value);
  }
  return result;
}

}  // namespace

std::string matched_route(std::string_view pattern) {
  std::string route = pattern.starts_with('/') ? "" : "/";
  route += pattern;
  if (route.ends_with('/')) route.pop_back();
  return route;
}

Fields spin_headers(const RouteMatch& match, std::string_view scheme, std::string_view authority,
                    std::string_view target, std::string_view client_address) {
  return fields(match, {scheme, authority, target, client_address}, &Names::header, header_suffix);
}

Fields wagi_variables(const RouteMatch& match, std::string_view scheme, std::string_view authority,
                      std::string_view target, std::string_view client_address) {
  return fields(match, {scheme, authority, target, client_address}, &Names::variable,
                variable_suffix);
}

bool is_spin_header(std::string_view name) {
  auto equals = [](std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == y; });
  };
  if (equals(name.substr(0, kPathMatch.header.size()), kPathMatch.header)) return true;
  return std::ranges::any_of(kAll, [&](const Names& names) { return equals(name, names.header); });
}

}  // namespace cusp::app
