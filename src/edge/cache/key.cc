#include "edge/cache/key.h"

#include <algorithm>
#include <array>
#include <optional>

#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

// Beyond this many, parameters are neither sorted nor left out: the query is taken as it is.
constexpr size_t kParametersMax = 256;

constexpr std::array<string_view, 12> kUnkeyed = {"x-forwarded-host",       "x-forwarded-scheme",
                                                  "x-forwarded-port",       "x-forwarded-prefix",
                                                  "x-forwarded-server",     "x-forwarded-path",
                                                  "x-original-url",         "x-original-host",
                                                  "x-rewrite-url",          "x-host",
                                                  "x-http-method-override", "x-method-override"};

void append_part(std::string& key, string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
  key += ',';
}

bool matches_any(const std::vector<std::string>& patterns, string_view name) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return matches_wildcard(pattern, name); });
}

string_view name_of(string_view parameter) { return parameter.substr(0, parameter.find('=')); }

// Names are compared as they stand: what is written otherwise ("%75tm_source") stays in the key,
// or, with query_keep, out of the request.
std::string normalised_query(string_view query, const Policy& policy) {
  if (policy.query_keep.empty() && policy.query_ignore.empty() && !policy.query_sort) {
    return std::string(query);
  }
  std::vector<string_view> parameters;
  for (string_view rest = query; !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    if (end > 0) parameters.push_back(rest.substr(0, end));
    if (parameters.size() > kParametersMax) return std::string(query);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::erase_if(parameters, [&](string_view parameter) {
    const string_view name = name_of(parameter);
    return (!policy.query_keep.empty() && !matches_any(policy.query_keep, name)) ||
           matches_any(policy.query_ignore, name);
  });
  // Stable: the order of parameters of one name may mean something.
  if (policy.query_sort) std::ranges::stable_sort(parameters, {}, name_of);
  std::string out;
  for (const string_view parameter : parameters) {
    if (!out.empty()) out += '&';
    out += parameter;
  }
  return out;
}

std::string origin_of(string_view scheme, string_view authority) {
  std::string origin = to_lower(scheme) + "://" + to_lower(authority);
  const string_view default_port = origin.starts_with("https:") ? ":443" : ":80";
  if (origin.ends_with(default_port)) origin.resize(origin.size() - default_port.size());
  if (origin.ends_with(':')) origin.pop_back();
  return origin;
}

Address make_address(string_view scheme, string_view authority, string_view target,
                     const Policy& policy) {
  const size_t mark = target.find('?');
  const string_view query = mark == target.npos ? string_view() : target.substr(mark + 1);
  return {.origin = origin_of(scheme, authority),
          .path = std::string(target.substr(0, mark)),
          .query = normalised_query(query, policy)};
}

}  // namespace

std::string Address::url() const { return origin + target(); }

std::string Address::target() const { return query.empty() ? path : path + '?' + query; }

Address address_of(const http::Request& request, const Policy& policy) {
  return make_address(request.scheme, request.authority, request.target, policy);
}

std::optional<Address> address_of(string_view url, const Policy& policy) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == url.npos) return std::nullopt;
  const std::string scheme = to_lower(url.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  string_view rest = url.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t host_end = std::min(rest.find_first_of("/?"), rest.size());
  if (host_end == 0) return std::nullopt;
  std::string target(rest.substr(host_end));
  if (!target.starts_with('/')) target.insert(0, "/");
  return make_address(scheme, rest.substr(0, host_end), target, policy);
}

std::string make_key(const http::Request& request, const Address& address, const Policy& policy) {
  std::string key;
  key.reserve(policy.name_space.size() + address.origin.size() + address.path.size() +
              address.query.size() + 32);
  append_part(key, policy.name_space);
  append_part(key, address.origin);
  append_part(key, address.path);
  append_part(key, address.query);
  for (const std::string& name : policy.variance) {
    const auto value = request.fields.get_all(name);
    append_part(key, name);
    append_part(key, value ? "=" + *value : "");
  }
  return key;
}

bool is_unkeyed(string_view name, const Policy& policy) {
  return name.starts_with("x-") && std::ranges::find(kUnkeyed, name) != kUnkeyed.end() &&
         std::ranges::find(policy.variance, name) == policy.variance.end();
}

}  // namespace cusp::edge::cache
