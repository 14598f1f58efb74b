#include "app/cron.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace cusp::app {

namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};
constexpr size_t kTextBytesMax = 256;
// Every 29th of February that is a certain day of the week comes within so long.
constexpr auto kHorizon = days(366 * 41);

struct Short {
  std::string_view name;
  std::string_view text;
};
constexpr Short kShorts[] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
                             {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                             {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
                             {"@annually", "0 0 1 1 *"}};

// One of the fields: what it is called, its numbers, and names for them.
struct Field {
  std::string_view name;
  unsigned min, max;
  std::span<const std::string_view> names;  // of min and what follows
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = 0; end != text.npos;) {
    end = text.find(separator);
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return parts;
}

std::unexpected<Error> wrong(const Field& field, std::string_view part) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no {}: it takes {} to {}, \"*\", ranges, lists and steps", part,
                          field.name, field.min, field.max));
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<unsigned> value_of(const Field& field, std::string_view text) {
  for (size_t i = 0; i < field.names.size(); ++i) {
    if (field.names[i] == text) return field.min + static_cast<unsigned>(i);
  }
  const auto value = number(text);
  return value && *value >= field.min && *value <= field.max ? value : std::nullopt;
}

// "5", "1-5", "*", "*/2", "10-30/5", "10/5" (from 10 on).
template <size_t N>
Result<> read_part(const Field& field, std::string_view part, std::bitset<N>& set) {
  const size_t slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  unsigned step = 1;
  if (slash != part.npos) {
    const auto read = number(part.substr(slash + 1));
    if (!read || *read == 0 || *read > field.max) return wrong(field, part);
    step = *read;
  }
  unsigned first = field.min;
  unsigned last = field.max;
  if (range != "*" && range != "?") {
    const size_t dash = range.find('-');
    const auto from = value_of(field, range.substr(0, dash));
    if (!from) return wrong(field, part);
    first = *from;
    if (dash != range.npos) {
      const auto to = value_of(field, range.substr(dash + 1));
      if (!to || *to < first) return wrong(field, part);
      last = *to;
    } else if (slash == part.npos) {
      last = first;
    }
  }
  for (unsigned value = first; value <= last; value += step) set.set(value % N);
  return {};
}

template <size_t N>
Result<> read_field(const Field& field, std::string_view text, std::bitset<N>& set) {
  for (const std::string_view part : split(text, ',')) CUSP_CHECK(read_part(field, part, set));
  return {};
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  std::string word;
  for (const char c : text) {
    if (c != ' ' && c != '\t') {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      found.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) found.push_back(std::move(word));
  return found;
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "a cron expression has at most 256 bytes");
  }
  auto fields = words(text);
  if (fields.size() == 1 && fields[0].starts_with('@')) {
    const auto known = std::ranges::find(kShorts, std::string_view(fields[0]), &Short::name);
    if (known != std::end(kShorts)) fields = words(known->text);
  }
  if (fields.size() == 5) fields.insert(fields.begin(), "0");
  if (fields.size() != 6) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no cron expression: it has five fields (minute, hour, day of "
                            "the month, month, day of the week), or six with the second first, or "
                            "is one of @hourly, @daily, @weekly, @monthly and @yearly",
                            text));
  }
  Cron cron;
  // Its last number, 7, is the first one again: Sunday.
  std::bitset<7>& weekdays = cron.weekdays_;
  CUSP_CHECK(read_field({"second", 0, 59, {}}, fields[0], cron.seconds_));
  CUSP_CHECK(read_field({"minute", 0, 59, {}}, fields[1], cron.minutes_));
  CUSP_CHECK(read_field({"hour", 0, 23, {}}, fields[2], cron.hours_));
  CUSP_CHECK(read_field({"day of the month", 1, 31, {}}, fields[3], cron.days_));
  CUSP_CHECK(read_field({"month", 1, 12, kMonths}, fields[4], cron.months_));
  CUSP_CHECK(read_field({"day of the week", 0, 7, kWeekdays}, fields[5], weekdays));
  const auto any = [](const std::string& field) { return field[0] == '*' || field[0] == '?'; };
  cron.any_day_ = any(fields[3]);
  cron.any_weekday_ = any(fields[5]);
  return cron;
}

bool Cron::has(const year_month_day& day) const {
  if (!months_[static_cast<unsigned>(day.month())]) return false;
  const bool by_day = days_[static_cast<unsigned>(day.day())];
  const bool by_weekday = weekdays_[weekday(sys_days(day)).c_encoding()];
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

// The first time of a day that is not before `from`.
std::optional<seconds> Cron::first_of_day(seconds from) const {
  const hh_mm_ss start(from);
  for (int h = static_cast<int>(start.hours().count()); h < 24; ++h) {
    if (!hours_[h]) continue;
    const bool same_hour = h == start.hours().count();
    for (int m = same_hour ? static_cast<int>(start.minutes().count()) : 0; m < 60; ++m) {
      if (!minutes_[m]) continue;
      const bool same_minute = same_hour && m == start.minutes().count();
      for (int s = same_minute ? static_cast<int>(start.seconds().count()) : 0; s < 60; ++s) {
        if (seconds_[s]) return hours(h) + minutes(m) + seconds(s);
      }
    }
  }
  return std::nullopt;
}

std::optional<sys_seconds> Cron::next(sys_seconds after) const {
  const sys_seconds from = after + seconds(1);
  const sys_days first = floor<days>(from);
  for (sys_days day = first; day < first + kHorizon; day += days(1)) {
    if (!has(year_month_day(day))) continue;
    const auto time = first_of_day(day == first ? from - first : seconds(0));
    if (time) return day + *time;
  }
  return std::nullopt;
}

}  // namespace cusp::app
