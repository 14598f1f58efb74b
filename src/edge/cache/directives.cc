#include "edge/cache/directives.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "edge/cache/structured.h"
#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

struct Flag {
  string_view name;
  bool Directives::* member;
};
constexpr std::array kFlags = {
    Flag{"no-store", &Directives::no_store},
    Flag{"public", &Directives::is_public},
    Flag{"must-revalidate", &Directives::must_revalidate},
    Flag{"proxy-revalidate", &Directives::proxy_revalidate},
    Flag{"must-understand", &Directives::must_understand},
    Flag{"only-if-cached", &Directives::only_if_cached},
};

struct Delta {
  string_view name;
  std::optional<Seconds> Directives::* member;
};
constexpr std::array kDeltas = {
    Delta{"max-age", &Directives::max_age},
    Delta{"s-maxage", &Directives::s_maxage},
    Delta{"stale-while-revalidate", &Directives::stale_while_revalidate},
    Delta{"stale-if-error", &Directives::stale_if_error},
    Delta{"min-fresh", &Directives::min_fresh},
    Delta{"max-stale", &Directives::max_stale},
};

void take_delta(std::optional<Seconds>& slot, Seconds value) {
  slot = slot ? std::min(*slot, value) : value;
}

void take_fields(bool& all, std::vector<std::string>& listed, std::optional<string_view> value) {
  const auto names = value ? lower_members(unquote(*value)) : std::vector<std::string>();
  if (names.empty()) all = true;
  listed.insert(listed.end(), names.begin(), names.end());
}

// False for a directive that is not known.
bool take(Directives& out, string_view name, std::optional<string_view> value) {
  for (const Flag& flag : kFlags) {
    if (!equal_ignoring_case(flag.name, name)) continue;
    out.*flag.member = true;
    return true;
  }
  for (const Delta& delta : kDeltas) {
    if (!equal_ignoring_case(delta.name, name)) continue;
    if (delta.name == "max-stale" && !value) {
      take_delta(out.max_stale, kDeltaMax);
    } else {
      take_delta(out.*delta.member, parse_delta(unquote(value.value_or(""))).value_or(Seconds(0)));
    }
    return true;
  }
  if (equal_ignoring_case(name, "no-cache")) {
    take_fields(out.no_cache, out.no_cache_fields, value);
    return true;
  }
  if (equal_ignoring_case(name, "private")) {
    take_fields(out.is_private, out.private_fields, value);
    return true;
  }
  return false;
}

bool take_text(Directives& out, string_view directive) {
  const size_t equals = directive.find('=');
  if (equals == directive.npos) return take(out, directive, std::nullopt);
  return take(out, directive.substr(0, equals), directive.substr(equals + 1));
}

// Whether a directive of Surrogate-Control is addressed to `device`: "max-age=60;cusp".
bool is_for(string_view parameters, string_view device) {
  if (parameters.empty()) return true;
  while (!parameters.empty()) {
    if (take_member(parameters, ';') == device) return true;
  }
  return false;
}

}  // namespace

std::optional<Seconds> parse_delta(string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error == std::errc::result_out_of_range) return kDeltaMax;
  return std::min(Seconds(value), kDeltaMax);
}

Directives parse_cache_control(const http::Fields& fields) {
  Directives directives;
  for (const auto [name, value] : fields) {
    if (name != "cache-control") continue;
    string_view rest = value;
    while (!rest.empty()) take_text(directives, take_member(rest));
  }
  return directives;
}

Directives parse_request_directives(const http::Fields& fields) {
  Directives directives = parse_cache_control(fields);
  if (fields.get("cache-control")) return directives;
  for (const auto [name, value] : fields) {
    if (name != "pragma") continue;
    string_view rest = value;
    while (!rest.empty()) {
      directives.no_cache |= equal_ignoring_case(take_member(rest), "no-cache");
    }
  }
  return directives;
}

std::optional<Directives> parse_targeted(const http::Fields& fields, string_view name) {
  const auto text = fields.get_all(name);
  if (!text) return std::nullopt;
  const auto dictionary = parse_dictionary(*text);
  if (!dictionary || dictionary->empty()) return std::nullopt;
  Directives directives;
  for (const auto& [key, value] : *dictionary) {
    const bool is_delta = std::ranges::any_of(kDeltas, [&](auto& d) { return d.name == key; });
    if (is_delta) {
      if (value.type != ItemType::kInteger || value.integer < 0) return std::nullopt;
      take(directives, key, std::to_string(value.integer));
    } else if (value.type == ItemType::kBoolean) {
      if (value.integer != 0) take(directives, key, std::nullopt);
    } else if (value.type == ItemType::kString) {
      take(directives, key, value.text);
    }
  }
  return directives;
}

std::optional<Directives> parse_surrogate_control(const http::Fields& fields, string_view device) {
  Directives directives;
  bool known = false;
  for (const auto [name, value] : fields) {
    if (name != "surrogate-control") continue;
    string_view rest = value;
    while (!rest.empty()) {
      string_view parameters = take_member(rest);
      const string_view directive = take_member(parameters, ';');
      if (is_for(parameters, device)) known |= take_text(directives, directive);
    }
  }
  if (!known) return std::nullopt;
  return directives;
}

}  // namespace cusp::edge::cache
