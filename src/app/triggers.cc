#include "app/triggers.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/app.h"
#include "app/identifiers.h"
#include "app/template.h"
#include "base/suggest.h"
#include "base/table_reader.h"

namespace cusp::app {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeMin{100};
constexpr auto kTimeMax = std::chrono::hours(24);

void read_time(TableReader& table, std::string_view key, milliseconds& time) {
  const auto value = table.value(key);
  if (!value) return;
  time = value->duration().value_or(time);
  if (time < kTimeMin || time > kTimeMax) {
    value->error(fmt::format("'{}' is between 100ms and 24h", key));
  }
}

void read_count(TableReader& table, std::string_view key, int64_t max, uint32_t& count) {
  count = static_cast<uint32_t>(table.integer(key, 1, max).value_or(count));
}

// Which component, and where in it: what all triggers have.
const Component* read_target(TableReader& table, const App& app, std::string& component,
                             std::string& path) {
  const auto value = table.value("component");
  component = table.required_string("component");
  if (const auto text = table.value("path")) {
    path = text->string().value_or(path);
    if (!path.starts_with('/') || std::ranges::any_of(path, [](unsigned char c) {
          return c <= 0x20 || c >= 0x7f || c == '#';
        })) {
      text->error("'path' begins with '/', and is percent-encoded");
    }
  }
  const Component* found = app.find_component(component);
  if (value && found == nullptr) {
    std::vector<std::string> ids;
    for (const auto& other : app.components) ids.push_back(other.id);
    value->error(fmt::format("there is no component '{}'{}", component, suggest(component, ids)));
  }
  return found;
}

void read_queue(TableReader& table, App& app) {
  QueueTrigger trigger{.place = table.place()};
  const auto queue = table.value("queue");
  trigger.queue = table.required_string("queue");
  if (queue) {
    if (auto problem = check_store_label(trigger.queue); !problem.empty()) {
      queue->error(fmt::format("'{}' is not the name of a queue: {}", trigger.queue, problem));
    }
    const auto same = [&](const QueueTrigger& other) { return other.queue == trigger.queue; };
    if (std::ranges::any_of(app.queue_triggers, same)) {
      queue->error(fmt::format("the queue '{}' has a trigger already: a message has one receiver",
                               trigger.queue));
    }
  }
  const Component* component = read_target(table, app, trigger.component, trigger.path);
  read_count(table, "batch_size", limits::kQueueBatchMax, trigger.batch_size);
  read_count(table, "concurrency", limits::kQueueConcurrencyMax, trigger.concurrency);
  read_count(table, "max_deliveries", limits::kQueueDeliveriesMax, trigger.max_deliveries);
  // Longer than an invocation may take, or a message comes again while the first one works at it.
  if (component != nullptr) {
    trigger.visibility_timeout =
        std::max(trigger.visibility_timeout, 2 * component->limits.wall_time_max);
  }
  const auto visibility = table.value("visibility_timeout");
  read_time(table, "visibility_timeout", trigger.visibility_timeout);
  if (visibility && component != nullptr &&
      trigger.visibility_timeout < component->limits.wall_time_max) {
    visibility->error(
        "'visibility_timeout' is at least the component's 'wall_time', or a message comes again "
        "while it is worked at");
  }
  read_time(table, "retry_delay", trigger.retry_delay);
  trigger.retry_delay_max = std::max(trigger.retry_delay, trigger.retry_delay_max);
  const auto retry_max = table.value("retry_delay_max");
  read_time(table, "retry_delay_max", trigger.retry_delay_max);
  if (retry_max && trigger.retry_delay_max < trigger.retry_delay) {
    retry_max->error("'retry_delay_max' is at least 'retry_delay'");
  }
  table.finish();
  app.queue_triggers.push_back(std::move(trigger));
}

void read_cron(TableReader& table, App& app) {
  CronTrigger trigger{.place = table.place()};
  const auto schedule = table.value("schedule");
  std::string text = table.required_string("schedule");
  if (schedule) read_schedule(*schedule, std::move(text), trigger);
  read_target(table, app, trigger.component, trigger.path);
  trigger.overlap = table.boolean("overlap").value_or(false);
  table.finish();
  app.cron_triggers.push_back(std::move(trigger));
}

void read_subscription(TableReader& table, App& app) {
  RedisTrigger trigger{.place = table.place()};
  read_redis(table, "", trigger);
  read_target(table, app, trigger.component, trigger.path);
  table.finish();
  app.redis_triggers.push_back(std::move(trigger));
}

// Templates in it are checked; what they leave is checked when the app is loaded.
std::string read_template(TableReader& table, std::string_view key, const std::string& fallback) {
  const auto value = table.value(key);
  std::string text = value || fallback.empty() ? table.required_string(key) : fallback;
  if (const auto parsed = parse_template(text); value && !parsed) {
    value->error(parsed.error().message);
  }
  return text;
}

}  // namespace

void read_schedule(const Value& value, std::string schedule, CronTrigger& trigger) {
  trigger.schedule = std::move(schedule);
  auto cron = Cron::parse(trigger.schedule);
  if (!cron) return value.error(cron.error().message);
  trigger.cron = *cron;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (!cron->next(now)) {
    value.error(fmt::format("'{}' never comes: there is no such day", trigger.schedule));
  }
}

void read_redis(TableReader& table, const std::string& fallback, RedisTrigger& trigger) {
  trigger.address = read_template(table, "address", fallback);
  trigger.channel = read_template(table, "channel", "");
}

void read_triggers(TableReader& root, App& app) {
  auto triggers = root.table("trigger");
  if (!triggers) return;
  for (auto& table : triggers->tables("queue", "[[trigger.queue]]")) read_queue(table, app);
  for (auto& table : triggers->tables("cron", "[[trigger.cron]]")) read_cron(table, app);
  for (auto& table : triggers->tables("redis", "[[trigger.redis]]")) {
    read_subscription(table, app);
  }
  triggers->finish();
}

}  // namespace cusp::app
