#include "node/triggers/cron_runner.h"

#include <fmt/format.h>

#include "base/log.h"
#include "node/triggers/invoke.h"

namespace cusp::node::triggers {

namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using std::chrono::system_clock;

// A look at the clock every so often: it may be set, and the apps may change.
constexpr auto kLook = std::chrono::milliseconds(500);
constexpr auto kLate = seconds(30);  // beyond it a time is skipped: the machine was asleep

// "2026-11-23T10:15:00Z"
std::string text_of(sys_seconds time) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  const std::chrono::hh_mm_ss clock(time - std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

void skip(const CronWork& work, sys_seconds time, std::string_view why) {
  const std::string& app = work.deployment->app().name;
  log::warn("[{}] cron '{}' skips {}: {}", app, work.trigger.schedule, text_of(time), why);
  work.counters.run(app, work.trigger.component, "skipped");
}

io::Task<void> run(Place place, std::shared_ptr<Running> running,
                   std::shared_ptr<const CronWork> work, sys_seconds time) {
  const Busy busy(*running);
  Call call{
      .component = work->trigger.component,
      .path = work->trigger.path,
      .name = fmt::format("cron '{}'", work->trigger.schedule),
      .fields = {{"cusp-cron", work->trigger.schedule},
                 {"cusp-scheduled-time", text_of(time)},
                 {"cusp-scheduled-timestamp", std::to_string(time.time_since_epoch().count())}}};
  const Outcome outcome = co_await invoke(*place.handler, work->deployment, std::move(call));
  *work->under_way = false;
  const std::string& app = work->deployment->app().name;
  work->counters.run(app, work->trigger.component, outcome.done() ? "done" : "failed");
  if (!outcome.done()) {
    log::warn("[{}] cron '{}' of {}: component {} {}", app, work->trigger.schedule, text_of(time),
              work->trigger.component, outcome.reason);
  }
}

}  // namespace

io::Task<void> keep_time(Place place, std::shared_ptr<Running> running,
                         std::shared_ptr<const CronWork> work) {
  io::Timer timer(place.executor);
  auto next = work->trigger.cron.next(std::chrono::floor<seconds>(system_clock::now()));
  while (next && !running->stopped) {
    const auto now = system_clock::now();
    if (now < *next) {
      timer.expires_after(std::min<std::chrono::nanoseconds>(*next - now, kLook));
      co_await timer.async_wait(io::use_task);
      continue;
    }
    if (now - *next > kLate) {
      skip(*work, *next, "its time is over");
    } else if (work->under_way->exchange(true) && !work->trigger.overlap) {
      skip(*work, *next, "the run before goes on");
    } else {
      io::asio::co_spawn(place.executor, run(place, running, work, *next), io::asio::detached);
    }
    next = work->trigger.cron.next(std::chrono::floor<seconds>(now));
  }
}

}  // namespace cusp::node::triggers
