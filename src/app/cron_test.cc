#include "app/cron.h"

#include <gtest/gtest.h>

#include <string>

namespace cusp::app {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

// 2026-11-23 was a Monday.
constexpr sys_seconds kMonday = sys_days(2026y / 11 / 23) + 10h + 20min + 30s;

// "2026-11-23 10:21:00", or what is wrong with the expression.
std::string next(std::string_view text, sys_seconds after = kMonday) {
  const auto cron = Cron::parse(text);
  if (!cron) return cron.error().message;
  const auto time = cron->next(after);
  if (!time) return "never";
  const year_month_day date(floor<days>(*time));
  const hh_mm_ss clock(*time - floor<days>(*time));
  char buffer[64];
  snprintf(buffer, sizeof buffer, "%d-%02u-%02u %02ld:%02ld:%02ld", static_cast<int>(date.year()),
           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
           static_cast<long>(clock.hours().count()), static_cast<long>(clock.minutes().count()),
           static_cast<long>(clock.seconds().count()));
  return buffer;
}

TEST(Cron, FindsTheNextTime) {
  for (const auto& [text, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"* * * * *", "2026-11-23 10:21:00"},        {"*/15 * * * *", "2026-11-23 10:30:00"},
           {"20 10 * * *", "2026-11-24 10:20:00"},      {"0 9-17/4 * * *", "2026-11-23 13:00:00"},
           {"5,35 * * * *", "2026-11-23 10:35:00"},     {"0 0 1 * *", "2026-12-01 00:00:00"},
           {"0 0 29 2 *", "2028-02-29 00:00:00"},       {"0 12 * * sun", "2026-11-29 12:00:00"},
           {"0 12 * * 7", "2026-11-29 12:00:00"},       {"0 12 * * 0", "2026-11-29 12:00:00"},
           {"0 12 * * FRI-SAT", "2026-11-27 12:00:00"}, {"0 0 * Jan mon", "2027-01-04 00:00:00"},
           {"0 0 13 * fri", "2026-11-27 00:00:00"},   // either day
           {"0 0 */2 * tue", "2026-12-01 00:00:00"},  // both: the day begins with "*"
           {"40 * * * * *", "2026-11-23 10:20:40"},     {"*/10 * * * * *", "2026-11-23 10:20:40"},
           {"30 20 10 * * ?", "2026-11-24 10:20:30"},   {"50/3 * * * *", "2026-11-23 10:50:00"},
           {"  0\t0  * * *  ", "2026-11-24 00:00:00"},  {"@hourly", "2026-11-23 11:00:00"},
           {"@Daily", "2026-11-24 00:00:00"},           {"@weekly", "2026-11-29 00:00:00"},
           {"@monthly", "2026-12-01 00:00:00"},         {"@yearly", "2027-01-01 00:00:00"},
           {"59 23 31 12 *", "2026-12-31 23:59:00"},
       }) {
    EXPECT_EQ(next(text), expected) << text;
  }
}

TEST(Cron, GoesOnFromOneTimeToTheNext) {
  const auto cron = *Cron::parse("0 */6 * * *");
  sys_seconds time = kMonday;
  for (int i = 0; i < 100; ++i) {
    const auto next = *cron.next(time);
    EXPECT_EQ(next - time, i == 0 ? next - kMonday : 6h);
    time = next;
  }
}

TEST(Cron, SaysThatThereIsNone) {
  EXPECT_EQ(next("0 0 30 2 *"), "never");
  EXPECT_EQ(next("0 0 31 4,6,9,11 *"), "never");
  // The rarest one that exists: 29 February on a Sunday, over the year 2100, which has none.
  const auto cron = *Cron::parse("0 0 29 2 */7");
  EXPECT_TRUE(cron.next(sys_days(2072y / 3 / 1)));
}

TEST(Cron, MistakesAreNamed) {
  for (const auto& [text, message] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "is no cron expression"},
           {"* * * *", "it has five fields"},
           {"* * * * * * *", "it has five fields"},
           {"60 * * * *", "'60' is no minute: it takes 0 to 59"},
           {"* 24 * * *", "'24' is no hour"},
           {"* * 0 * *", "'0' is no day of the month"},
           {"* * 32 * *", "'32' is no day of the month"},
           {"* * * 13 *", "'13' is no month"},
           {"* * * * 8", "'8' is no day of the week"},
           {"* * * * lun", "'lun' is no day of the week"},
           {"5-1 * * * *", "'5-1' is no minute"},
           {"*/0 * * * *", "'*/0' is no minute"},
           {"*/99999999999999999999 * * * *", "is no minute"},
           {"1,,2 * * * *", "'' is no minute"},
           {"-1 * * * *", "'-1' is no minute"},
           {"1-2-3 * * * *", "'1-2-3' is no minute"},
           {"@reboot", "is no cron expression"},
           {"@", "is no cron expression"},
       }) {
    EXPECT_NE(next(text).find(message), std::string::npos) << text << ": " << next(text);
  }
  EXPECT_NE(next(std::string(10'000, '*')).find("at most 256 bytes"), std::string::npos);
}

}  // namespace
}  // namespace cusp::app
