#include "app/triggers.h"

#include <gtest/gtest.h>

#include "app/manifest.h"

namespace cusp::app {
namespace {

using namespace std::chrono_literals;

Result<App> parse(std::string_view text) {
  return parse_cusp_manifest(text, "/srv/shop/cusp.toml");
}

TEST(Triggers, AreRead) {
  auto app = parse(R"(name = "jobs"
[component.worker]
source = "worker.wasm"
queues = ["next"]
limits = { wall_time = "2m" }
[[trigger.queue]]
queue = "resize"
component = "worker"
[[trigger.queue]]
queue = "mail"
component = "worker"
path = "/mail?kind=new"
batch_size = 10
concurrency = 4
max_deliveries = 3
visibility_timeout = "5m"
retry_delay = "1s"
retry_delay_max = "1m"
[[trigger.cron]]
schedule = "*/5 * * * *"
component = "worker"
path = "/tick"
overlap = true
)");
  ASSERT_TRUE(app) << app.error().to_string();
  EXPECT_TRUE(app->routes.empty());  // nobody outside asks it
  EXPECT_EQ(app->components[0].queues, std::vector<std::string>{"next"});
  ASSERT_EQ(app->queue_triggers.size(), 2u);
  EXPECT_EQ(app->queue_triggers[0].visibility_timeout, 4min);  // twice the wall time
  EXPECT_EQ(app->queue_triggers[0].path, "/");
  EXPECT_EQ(app->queue_triggers[1], (QueueTrigger{.queue = "mail",
                                                  .component = "worker",
                                                  .path = "/mail?kind=new",
                                                  .batch_size = 10,
                                                  .concurrency = 4,
                                                  .max_deliveries = 3,
                                                  .visibility_timeout = 5min,
                                                  .retry_delay = 1s,
                                                  .retry_delay_max = 1min,
                                                  .place = app->queue_triggers[1].place}));
  ASSERT_EQ(app->cron_triggers.size(), 1u);
  EXPECT_EQ(app->cron_triggers[0].schedule, "*/5 * * * *");
  EXPECT_TRUE(app->cron_triggers[0].overlap);
}

struct Case {
  std::string text;
  std::string_view place;
  std::string_view message;
};

TEST(Triggers, MistakesGiveTheirPlaceAndWhatIsRight) {
  const std::string head = "name = 'x'\n[component.a]\nsource = 'a.wasm'\n";
  const std::string queue = head + "[[trigger.queue]]\nqueue = 'q'\n";
  for (const auto& [text, place, message] : std::initializer_list<Case>{
           {head + "[[trigger.queue]]\ncomponent = 'a'", "4:1",
            "[[trigger.queue]] needs the key 'queue'"},
           {queue + "component = 'b'", "6:13", "there is no component 'b'"},
           {queue + "component = 'a'\npath = 'x'", "7:8", "'path' begins with '/'"},
           {queue + "component = 'a'\npath = '/a b'", "7:8", "'path' begins with '/'"},
           {queue + "component = 'a'\nbatch = 5", "7:1",
            "unknown key 'batch' in [[trigger.queue]]; known: batch_size, component"},
           {queue + "component = 'a'\nbatch_size = 101", "7:14",
            "'batch_size' must be between 1 and 100"},
           {queue + "component = 'a'\nconcurrency = 0", "7:15",
            "'concurrency' must be between 1 and 64"},
           {queue + "component = 'a'\nvisibility_timeout = '10s'", "7:22",
            "'visibility_timeout' is at least the component's 'wall_time'"},
           {queue + "component = 'a'\nretry_delay = '1ms'", "7:15",
            "'retry_delay' is between 100ms"},
           {queue + "component = 'a'\nretry_delay = '5m'\nretry_delay_max = '1m'", "8:19",
            "'retry_delay_max' is at least 'retry_delay'"},
           {queue + "component = 'a'\n[[trigger.queue]]\nqueue = 'q'\ncomponent = 'a'", "8:9",
            "the queue 'q' has a trigger already"},
           {head + "[[trigger.queue]]\nqueue = 'a:b'\ncomponent = 'a'", "5:9",
            "'a:b' is not the name of a queue"},
           {head + "[[trigger.cron]]\ncomponent = 'a'", "4:1",
            "[[trigger.cron]] needs the key 'schedule'"},
           {head + "[[trigger.cron]]\nschedule = '61 * * * *'\ncomponent = 'a'", "5:12",
            "'61' is no minute"},
           {head + "[[trigger.cron]]\nschedule = '0 0 30 2 *'\ncomponent = 'a'", "5:12",
            "'0 0 30 2 *' never comes"},
           {head + "[[trigger.timer]]\ncomponent = 'a'", "4:11", "unknown key 'timer'"},
           {head + "queues = ['a:b']", "4:10", "'a:b' in 'queues' is not a store name"}}) {
    const auto app = parse(text);
    ASSERT_FALSE(app) << text;
    EXPECT_EQ(app.error().context, "/srv/shop/cusp.toml:" + std::string(place)) << text;
    EXPECT_EQ(app.error().message.substr(0, message.size()), message) << text;
  }
}

}  // namespace
}  // namespace cusp::app
