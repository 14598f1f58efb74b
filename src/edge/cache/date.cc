#include "edge/cache/date.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

constexpr std::array<string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                 "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};

std::optional<unsigned> number(string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return value;
}

std::optional<unsigned> month_of(string_view text) {
  const auto found = std::ranges::find_if(
      kMonths, [&](string_view month) { return equal_ignoring_case(month, text); });
  if (found == kMonths.end()) return std::nullopt;
  return static_cast<unsigned>(found - kMonths.begin()) + 1;
}

std::optional<Seconds> time_of_day(string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hours = number(text.substr(0, 2));
  const auto minutes = number(text.substr(3, 2));
  const auto seconds = number(text.substr(6, 2));
  // 60 is a leap second.
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) {
    return std::nullopt;
  }
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + Seconds(*seconds);
}

int year_of_two_digits(unsigned year, Time now) {
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const int this_year = static_cast<int>(today.year());
  const int full = this_year - this_year % 100 + static_cast<int>(year);
  return full > this_year + 50 ? full - 100 : full;
}

// Takes a date apart from its front; good() tells whether every piece was what it had to be.
class Pieces {
 public:
  explicit Pieces(string_view text) : rest_(text) {}
  bool good() const { return good_ && rest_.empty(); }

  void literal(string_view text) { good_ &= equal_ignoring_case(take(text.size()), text); }
  unsigned digits(size_t count) {
    const auto value = number(take(count));
    good_ &= value.has_value();
    return value.value_or(0);
  }
  unsigned month() {
    const auto value = month_of(take(3));
    good_ &= value.has_value();
    return value.value_or(1);
  }
  Seconds time() {
    const auto value = time_of_day(take(8));
    good_ &= value.has_value();
    return value.value_or(Seconds(0));
  }
  // One of the days of the week.
  template <size_t kCount>
  void day(const std::array<string_view, kCount>& names) {
    for (const string_view name : names) {
      if (!equal_ignoring_case(rest_.substr(0, name.size()), name)) continue;
      rest_.remove_prefix(name.size());
      return;
    }
    good_ = false;
  }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }

 private:
  string_view take(size_t count) {
    const string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    good_ &= taken.size() == count;
    return taken;
  }

  string_view rest_;
  bool good_ = true;
};

std::optional<std::chrono::sys_seconds> put_together(const Pieces& pieces, int year, unsigned month,
                                                     unsigned day, Seconds time) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!pieces.good() || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + time;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::chrono::sys_seconds> parse_fixdate(string_view text) {
  Pieces pieces(text);
  pieces.day(kDays);
  pieces.literal(", ");
  const unsigned day = pieces.digits(2);
  pieces.literal(" ");
  const unsigned month = pieces.month();
  pieces.literal(" ");
  const unsigned year = pieces.digits(4);
  pieces.literal(" ");
  const Seconds time = pieces.time();
  pieces.literal(" GMT");
  return put_together(pieces, static_cast<int>(year), month, day, time);
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<std::chrono::sys_seconds> parse_rfc850(string_view text, Time now) {
  Pieces pieces(text);
  pieces.day(kLongDays);
  pieces.literal(", ");
  const unsigned day = pieces.digits(2);
  pieces.literal("-");
  const unsigned month = pieces.month();
  pieces.literal("-");
  const unsigned year = pieces.digits(2);
  pieces.literal(" ");
  const Seconds time = pieces.time();
  pieces.literal(" GMT");
  return put_together(pieces, year_of_two_digits(year, now), month, day, time);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<std::chrono::sys_seconds> parse_asctime(string_view text) {
  Pieces pieces(text);
  pieces.day(kDays);
  pieces.literal(" ");
  const unsigned month = pieces.month();
  pieces.literal(" ");
  const bool short_day = pieces.next_is(' ');
  if (short_day) pieces.literal(" ");
  const unsigned day = pieces.digits(short_day ? 1 : 2);
  pieces.literal(" ");
  const Seconds time = pieces.time();
  pieces.literal(" ");
  const unsigned year = pieces.digits(4);
  return put_together(pieces, static_cast<int>(year), month, day, time);
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_date(string_view text, Time now) {
  if (const auto date = parse_fixdate(text)) return date;
  if (const auto date = parse_rfc850(text, now)) return date;
  return parse_asctime(text);
}

std::string format_date(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string month(kMonths[static_cast<unsigned>(date.month()) - 1]);
  month[0] = static_cast<char>(month[0] - 'a' + 'A');
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), month, static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace cusp::edge::cache
