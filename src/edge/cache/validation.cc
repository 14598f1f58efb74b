#include "edge/cache/validation.h"

#include <algorithm>
#include <array>

#include "edge/cache/date.h"
#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

constexpr std::array<string_view, 5> kConditions = {"if-none-match", "if-modified-since",
                                                    "if-match", "if-unmodified-since", "if-range"};

// What describes the bytes that are stored, whatever a later head says.
constexpr std::array<string_view, 5> kOfTheBytes = {"content-encoding", "content-length",
                                                    "content-md5", "content-range", "etag"};

bool is_weak(string_view tag) { return tag.starts_with("W/") || tag.starts_with("w/"); }

string_view opaque(string_view tag) { return is_weak(tag) ? tag.substr(2) : tag; }

bool any_tag_matches(string_view list, string_view etag) {
  while (!list.empty()) {
    const string_view member = take_member(list);
    if (member == "*" || (!member.empty() && weak_equal(member, etag))) return true;
  }
  return false;
}

}  // namespace

bool weak_equal(string_view a, string_view b) { return opaque(a) == opaque(b); }

bool strong_equal(string_view a, string_view b) { return !is_weak(a) && !is_weak(b) && a == b; }

bool is_not_modified(const http::Fields& request, const Object& object, Time now) {
  // A condition is evaluated only where the answer without it would be a success (RFC 9110 section
  // 13.2.1).
  if (object.status / 100 != 2) return false;
  if (const auto list = request.get_all("if-none-match")) {
    if (trim(*list) == "*") return true;
    return object.etag() && any_tag_matches(*list, *object.etag());
  }
  const auto since = request.get("if-modified-since");
  if (!since) return false;
  const auto limit = parse_date(*since, now);
  auto modified = object.fields.get("last-modified");
  if (!modified) modified = object.fields.get("date");
  const auto time = modified ? parse_date(*modified, now) : std::nullopt;
  return limit && time && *time <= *limit;
}

bool range_counts(const http::Fields& request, const Object& object, Time now) {
  const auto condition = request.get("if-range");
  if (!condition) return true;
  if (condition->find('"') != condition->npos) {
    return object.etag() && strong_equal(*condition, *object.etag());
  }
  // A date is a strong validator only when it is well before the response was made (RFC 9110
  // section 8.8.2.2).
  const auto modified = object.fields.get("last-modified");
  const auto date = object.fields.get("date");
  if (!modified || !date || *modified != *condition) return false;
  const auto modified_at = parse_date(*modified, now);
  const auto made_at = parse_date(*date, now);
  return modified_at && made_at && *made_at - *modified_at >= Seconds(1);
}

void remove_conditions(http::Fields& request) {
  for (const string_view name : kConditions) request.remove(name);
}

bool add_validators(http::Fields& request, const Object& object) {
  const auto modified = object.fields.get("last-modified");
  if (!object.etag() && !modified) return false;
  if (object.etag()) request.set("if-none-match", *object.etag());
  if (modified) request.set("if-modified-since", *modified);
  return true;
}

http::Fields freshened_fields(const http::Fields& stored, const http::Fields& update) {
  const auto replaces = [&](string_view name) {
    return std::ranges::find(kOfTheBytes, name) == kOfTheBytes.end();
  };
  http::Fields fields;
  fields.reserve(stored.size() + update.size(), stored.byte_size() + update.byte_size());
  for (const auto [name, value] : stored) {
    if (!replaces(name) || !update.get(name)) fields.add(name, value);
  }
  for (const auto [name, value] : update) {
    if (replaces(name)) fields.add(name, value);
  }
  return fields;
}

http::Fields not_modified_fields(const http::Fields& fields) {
  const bool has_etag = fields.get("etag").has_value();
  http::Fields out;
  out.reserve(fields.size() + 2, fields.byte_size() + 64);
  for (const auto [name, value] : fields) {
    const bool of_the_body = name.starts_with("content-") && name != "content-location" &&
                             name != "content-security-policy";
    if (!of_the_body && (name != "last-modified" || !has_etag)) out.add(name, value);
  }
  return out;
}

}  // namespace cusp::edge::cache
