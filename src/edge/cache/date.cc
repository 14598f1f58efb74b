#include "edge/cache/date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "edge/cache/text.h"

namespace cusp::edge::cache {

namespace {

using std::string_view;

constexpr std::array<string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                 "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr size_t kDateBytesMax = 64;

std::vector<string_view> words_of(string_view text) {
  std::vector<string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" ,-"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

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

std::optional<int> year_of(string_view text, Time now) {
  const auto year = number(text);
  if (!year) return std::nullopt;
  if (text.size() == 4) return static_cast<int>(*year);
  if (text.size() != 2) return std::nullopt;
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const int this_year = static_cast<int>(today.year());
  int full = this_year - this_year % 100 + static_cast<int>(*year);
  if (full > this_year + 50) full -= 100;
  return full;
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_date(string_view text, Time now) {
  if (text.size() > kDateBytesMax) return std::nullopt;
  const auto words = words_of(text);
  // Weekday, day, month, year, time, zone; or weekday, month, day, time, year.
  if (words.size() < 5 || words.size() > 6) return std::nullopt;
  const bool asctime = words.size() == 5;
  if (!asctime && !equal_ignoring_case(words[5], "gmt") && !equal_ignoring_case(words[5], "utc")) {
    return std::nullopt;
  }
  const auto day = number(words[asctime ? 2 : 1]);
  const auto month = month_of(words[asctime ? 1 : 2]);
  const auto year = year_of(words[asctime ? 4 : 3], now);
  const auto time = time_of_day(words[asctime ? 3 : 4]);
  if (!day || !month || !year || !time) return std::nullopt;
  const std::chrono::year_month_day date =
      std::chrono::year(*year) / static_cast<int>(*month) / static_cast<int>(*day);
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + *time;
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
