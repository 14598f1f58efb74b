#include "node/s3/conditions.h"

#include <chrono>
#include <optional>
#include <string>

#include "edge/cache/date.h"

namespace cusp::node::s3 {

namespace {

using std::chrono::sys_seconds;
using store::object::Head;

// Whether a list of entity tags, quoted or not, has this one.
bool lists(std::string_view field, std::string_view etag) {
  while (!field.empty()) {
    std::string_view one = field.substr(0, field.find(','));
    field.remove_prefix(std::min(field.size(), one.size() + 1));
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one.size() >= 2 && one.starts_with('"') && one.ends_with('"')) {
      one = one.substr(1, one.size() - 2);
    }
    if (one == etag) return true;
  }
  return false;
}

// Nothing: no such field, or no date.
std::optional<sys_seconds> date(const http::Fields& fields, const std::string& name) {
  const auto text = fields.get(name);
  if (!text) return std::nullopt;
  const auto now = std::chrono::system_clock::now();
  return edge::cache::parse_date(*text, std::chrono::floor<std::chrono::milliseconds>(now));
}

}  // namespace

Met check_read(const http::Fields& fields, std::string_view prefix, const Head& head) {
  const std::string before(prefix);
  const auto modified = std::chrono::floor<std::chrono::seconds>(head.modified);
  const auto match = fields.get_all(before + "if-match");
  if (match && !lists(*match, head.etag)) return Met::kNo;
  if (!match) {
    const auto since = date(fields, before + "if-unmodified-since");
    if (since && modified > *since) return Met::kNo;
  }
  const auto none_match = fields.get_all(before + "if-none-match");
  if (none_match) return lists(*none_match, head.etag) ? Met::kNotModified : Met::kYes;
  const auto since = date(fields, before + "if-modified-since");
  return since && modified <= *since ? Met::kNotModified : Met::kYes;
}

store::object::Condition write_condition(const http::Fields& fields) {
  const auto match = fields.get_all("if-match");
  const auto none_match = fields.get_all("if-none-match");
  if (!match && !none_match) return {};
  return [match, none_match](const Head* present) {
    if (match && (present == nullptr || !lists(*match, present->etag))) return false;
    return !none_match || present == nullptr || !lists(*none_match, present->etag);
  };
}

std::unexpected<Failure> not_met(const http::Fields& fields, bool present) {
  if (fields.get("if-match") && !present) return no_such_key();
  return precondition_failed();
}

}  // namespace cusp::node::s3
