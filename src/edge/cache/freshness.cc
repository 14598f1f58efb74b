#include "edge/cache/freshness.h"

#include <algorithm>

#include "edge/cache/date.h"
#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;
using std::chrono::milliseconds;

// What has not changed for a while stays for a tenth of that (RFC 9111 section 4.2.2), a day at
// most.
constexpr int kHeuristicFraction = 10;
constexpr Seconds kHeuristicMax = std::chrono::hours(24);

std::optional<std::chrono::sys_seconds> date_in(const http::Fields& fields, string_view name,
                                                Time now) {
  const auto text = fields.get(name);
  return text ? parse_date(*text, now) : std::nullopt;
}

// The first member counts; what is no number is passed over (RFC 9111 section 5.1).
Seconds age_in(const http::Fields& fields) {
  const auto text = fields.get("age");
  if (!text) return Seconds(0);
  string_view rest = *text;
  return parse_delta(take_member(rest)).value_or(Seconds(0));
}

// RFC 9111 section 4.2.3.
Seconds initial_age(const http::Fields& fields, Time requested, Time received) {
  const auto now = std::chrono::floor<Seconds>(received);
  const auto date = date_in(fields, "date", received);
  const Seconds apparent = date ? std::max(Seconds(0), now - *date) : Seconds(0);
  const Seconds delay = std::chrono::floor<Seconds>(received - requested);
  return std::max(apparent, age_in(fields) + delay);
}

std::optional<Seconds> expires_lifetime(const http::Fields& fields, Time received) {
  const size_t count = fields.count("expires");
  if (count == 0) return std::nullopt;
  const auto expires = date_in(fields, "expires", received);
  // Not a date, or several that cannot all be right: already expired (RFC 9111 section 5.3).
  if (!expires || (count > 1 && *fields.get_all("expires") != *fields.get("expires"))) {
    return Seconds(0);
  }
  const auto date =
      date_in(fields, "date", received).value_or(std::chrono::floor<Seconds>(received));
  return std::max(Seconds(0), *expires - date);
}

std::optional<Seconds> explicit_lifetime(const http::Fields& fields, const Effective& effective,
                                         Time received) {
  const Directives& directives = effective.directives;
  if (directives.s_maxage) return directives.s_maxage;
  if (directives.max_age) return directives.max_age;
  return effective.targeted ? std::nullopt : expires_lifetime(fields, received);
}

Seconds implied_lifetime(const http::Response& response, const Directives& directives,
                         const Policy& policy, Time received) {
  const auto by_status = policy.status_ttl.find(response.status);
  if (by_status != policy.status_ttl.end()) return by_status->second;
  if (!directives.is_public && !is_heuristically_cacheable(response.status)) return Seconds(0);
  if (policy.default_ttl > Seconds(0)) return policy.default_ttl;
  if (!policy.heuristics) return Seconds(0);
  const auto modified = date_in(response.fields, "last-modified", received);
  if (!modified) return Seconds(0);
  const auto date =
      date_in(response.fields, "date", received).value_or(std::chrono::floor<Seconds>(received));
  return std::clamp((date - *modified) / kHeuristicFraction, Seconds(0), kHeuristicMax);
}

bool has_validator(const http::Fields& fields) {
  return fields.get("etag").has_value() || fields.get("last-modified").has_value();
}

// Why the response may not be stored; null when it may.
const char* forbidden(const http::Fields& request, const http::Response& response,
                      const Directives& directives, const Directives& asked) {
  const bool understood = directives.must_understand && is_understood(response.status);
  if (asked.no_store) return "request-no-store";
  // must-understand stands in place of no-store for those who know it (RFC 9111 section 5.2.2.3).
  if (directives.no_store && !understood) return "no-store";
  if (directives.must_understand && !understood) return "must-understand";
  if (directives.is_private) return "private";
  if (request.get("authorization") && !directives.is_public && !directives.s_maxage &&
      !directives.must_revalidate) {
    return "authorization";  // RFC 9111 section 3.5
  }
  if (response.status < 200 || response.status == 304 || response.status == 416) return "status";
  return nullptr;
}

}  // namespace

milliseconds Freshness::age(Time now) const {
  return initial_age + std::max(milliseconds(0), now - received);
}

milliseconds Freshness::left(Time now) const { return lifetime - age(now); }

Use use_of(const Freshness& freshness, const Directives& request, const Policy& policy, Time now) {
  const milliseconds age = freshness.age(now);
  const milliseconds left = freshness.lifetime - age;
  const Directives none;
  const Directives& asked = policy.ignore_client_no_cache ? none : request;
  if (freshness.validate_always || asked.no_cache) return Use::kValidate;
  if (asked.max_age && age > *asked.max_age) return Use::kValidate;
  if (asked.min_fresh && left < *asked.min_fresh) return Use::kValidate;
  if (left > milliseconds(0)) return Use::kFresh;
  if (freshness.must_revalidate) return Use::kValidate;
  if (asked.max_stale && -left <= *asked.max_stale) return Use::kFresh;
  if (-left < freshness.stale_while_revalidate) return Use::kStaleWhileRevalidate;
  return Use::kValidate;
}

bool usable_on_error(const Freshness& freshness, Time now) {
  if (freshness.must_revalidate || freshness.validate_always) return false;
  return -freshness.left(now) < freshness.stale_if_error;
}

Effective effective_directives(const http::Fields& fields, const Policy& policy) {
  for (const std::string& name : policy.targeted_fields) {
    if (auto directives = parse_targeted(fields, name)) return {std::move(*directives), true};
  }
  if (!policy.surrogate_device.empty()) {
    auto directives = parse_surrogate_control(fields, policy.surrogate_device);
    if (directives) return {std::move(*directives), true};
  }
  return {parse_cache_control(fields), false};
}

Verdict judge(const http::Fields& request, const http::Response& response, const Policy& policy,
              Time requested, Time received) {
  Verdict verdict;
  const Effective effective = effective_directives(response.fields, policy);
  const Directives& directives = effective.directives;
  const Directives asked = parse_request_directives(request);
  verdict.withheld_fields = directives.no_cache_fields;
  verdict.withheld_fields.insert(verdict.withheld_fields.end(), directives.private_fields.begin(),
                                 directives.private_fields.end());
  if (const char* reason = forbidden(request, response, directives, asked)) {
    verdict.reason = reason;
    return verdict;
  }
  const auto lifetime = explicit_lifetime(response.fields, effective, received);
  // A cookie is somebody's: it is shared only when the origin asks for it (RFC 9111 section 7.3).
  if (!lifetime && response.fields.get("set-cookie")) {
    verdict.reason = "set-cookie";
    return verdict;
  }
  verdict.shareable = true;
  Freshness& freshness = verdict.freshness;
  freshness.received = received;
  freshness.initial_age = initial_age(response.fields, requested, received);
  freshness.lifetime =
      lifetime ? *lifetime : implied_lifetime(response, directives, policy, received);
  freshness.validate_always = directives.no_cache;
  freshness.must_revalidate = directives.must_revalidate || directives.proxy_revalidate;
  // s-maxage forbids what the response does not itself allow (RFC 9111 section 5.2.2.10).
  const bool strict = freshness.must_revalidate || directives.s_maxage.has_value();
  freshness.stale_while_revalidate = directives.stale_while_revalidate.value_or(
      strict ? Seconds(0) : policy.stale_while_revalidate);
  freshness.stale_if_error = directives.stale_if_error.value_or(strict ? Seconds(0) : policy.grace);
  const bool stays = !freshness.validate_always && (freshness.left(received) > milliseconds(0) ||
                                                    freshness.stale_if_error > Seconds(0) ||
                                                    freshness.stale_while_revalidate > Seconds(0));
  verdict.store = stays || has_validator(response.fields);
  if (!verdict.store) verdict.reason = "no-freshness";
  return verdict;
}

bool is_heuristically_cacheable(uint16_t status) {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 206:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501: return true;
    default: return false;
  }
}

bool is_understood(uint16_t status) { return !http::reason_phrase(status).empty(); }

}  // namespace cusp::edge::cache
