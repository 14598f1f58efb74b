#include "edge/cache/vary.h"

#include <algorithm>

#include "edge/cache/text.h"
#include "edge/negotiation.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

// More names than that make a response that nobody will ask for again.
constexpr size_t kNamesMax = 32;

bool is_unordered_list(string_view name) {
  return name == "accept-language" || name == "accept-encoding";
}

std::optional<std::string> value_in(const http::Fields& request, string_view name) {
  const auto value = request.get_all(name);
  if (!value) return std::nullopt;
  return normalised_value(name, *value);
}

}  // namespace

std::string normalised_value(string_view name, string_view value) {
  std::vector<std::string> members;
  for (string_view rest = value; !rest.empty();) {
    const string_view member = take_member(rest);
    if (!member.empty()) members.emplace_back(member);
  }
  if (is_unordered_list(name)) {
    for (std::string& member : members) member = to_lower(member);
    std::ranges::sort(members);
  }
  std::string out;
  for (const std::string& member : members) {
    if (!out.empty()) out += ',';
    out += member;
  }
  return out;
}

std::optional<std::string> preferred_language(string_view accept_language) {
  std::string best;
  int best_weight = 0;
  bool tied = false;
  while (!accept_language.empty()) {
    string_view member = take_member(accept_language);
    if (member.empty()) continue;
    const string_view language = take_member(member, ';');
    const auto weight = weight_of(member);
    if (!weight) return std::nullopt;
    tied = *weight == best_weight || (tied && *weight < best_weight);
    if (*weight > best_weight) {
      best_weight = *weight;
      best = to_lower(language);
    }
  }
  if (best.empty() || best == "*" || tied) return std::nullopt;
  return best;
}

bool Variance::matches(const http::Fields& request) const {
  return std::ranges::all_of(choices, [&](const Choice& choice) {
    if (value_in(request, choice.name) == choice.value) return true;
    if (choice.name != "accept-language" || content_language.empty()) return false;
    const auto wanted = request.get_all("accept-language");
    return wanted && preferred_language(*wanted) == content_language;
  });
}

std::optional<Variance> variance_of(const http::Fields& request, const http::Fields& response) {
  Variance variance;
  const auto vary = response.get_all("vary");
  if (!vary) return variance;
  auto names = lower_members(*vary, kNamesMax + 1);
  if (names.size() > kNamesMax || std::ranges::find(names, "*") != names.end()) return std::nullopt;
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  for (std::string& name : names) {
    auto value = value_in(request, name);
    variance.choices.push_back({.name = std::move(name), .value = std::move(value)});
  }
  if (const auto language = response.get_all("content-language")) {
    variance.content_language = to_lower(*language);
  }
  return variance;
}

}  // namespace cusp::edge::cache
