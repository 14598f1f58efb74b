#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace cusp::app {

// When something is to happen, as cron says it, in UTC: "minute hour day-of-month month
// day-of-week" with "*", lists, ranges, steps ("*/5") and names ("mon", "jan"); with six fields the
// first is the second; also "@hourly", "@daily", "@weekly", "@monthly" and "@yearly". Sunday is 0
// and 7. When both days are restricted, either is enough (crontab(5)). A value type.
class Cron {
 public:
  // Errors: kInvalidArgument, which says what field is wrong and what it may be.
  static Result<Cron> parse(std::string_view text);

  // The first time behind `after`; nothing: there is none, as of "0 0 30 2 *".
  std::optional<std::chrono::sys_seconds> next(std::chrono::sys_seconds after) const;

 private:
  bool has(const std::chrono::year_month_day& day) const;
  std::optional<std::chrono::seconds> first_of_day(std::chrono::seconds from) const;

  std::bitset<60> seconds_, minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = false;      // the field begins with "*"
  bool any_weekday_ = false;  // the same
};

}  // namespace cusp::app
