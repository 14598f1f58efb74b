#include "app/database_reader.h"

#include <gtest/gtest.h>

#include "app/manifest.h"

namespace cusp::app {
namespace {

using namespace std::chrono_literals;

Result<App> parse(std::string_view text) {
  return parse_cusp_manifest(text, "/srv/shop/cusp.toml");
}

TEST(Databases, AreRead) {
  const auto app = parse(R"(name = "shop"
[component.api]
source = "api.wasm"
sqlite_databases = ["orders", "other"]
[sqlite.orders]
migrations = "sql/orders"
max_size = "10MiB"
max_rows = 50
max_result = "1MiB"
statement_time = "2s"
)");
  ASSERT_TRUE(app) << app.error().to_string();
  ASSERT_EQ(app->databases.size(), 1u);
  EXPECT_EQ(app->databases[0].name, "orders");
  EXPECT_EQ(app->databases[0].migrations, "/srv/shop/sql/orders");
  EXPECT_EQ(app->databases[0].bytes_max, 10u << 20);
  EXPECT_EQ(app->databases[0].rows_max, 50u);
  EXPECT_EQ(app->databases[0].result_bytes_max, 1u << 20);
  EXPECT_EQ(app->databases[0].time_max, 2s);
}

struct Case {
  std::string text;
  std::string_view place;
  std::string_view message;
};

TEST(Databases, MistakesGiveTheirPlaceAndTheNearestName) {
  const std::string head = "name = 'x'\n[component.a]\nsource = 'a.wasm'\n";
  for (const auto& [text, place, message] : std::initializer_list<Case>{
           {head + "sqlite_databases = ['orders']\n[sqlite.order]", "5:1",
            "no component has the database 'order' in its 'sqlite_databases'; did you mean "
            "'orders'"},
           {head + "[sqlite.orders]", "4:1", "no component has the database 'orders'"},
           {head + "sqlite_databases = ['a']\n[sqlite.a]\nmax_size = '1KiB'", "6:12",
            "'max_size' is between 64KiB and 1024GiB"},
           {head + "sqlite_databases = ['a']\n[sqlite.a]\nmax_rows = 0", "6:12",
            "'max_rows' must be between 1 and"},
           {head + "sqlite_databases = ['a']\n[sqlite.a]\nstatement_time = '1h'", "6:18",
            "'statement_time' is between 10ms and 10m"},
           {head + "sqlite_databases = ['a']\n[sqlite.a]\nmigration = 'm'", "6:1",
            "unknown key 'migration' in [sqlite.a]; did you mean 'migrations'"},
           {"sqlite = { a = 5 }\n" + head, "1:16", "'a' must be a table"}}) {
    const auto app = parse(text);
    ASSERT_FALSE(app) << text;
    EXPECT_EQ(app.error().context, "/srv/shop/cusp.toml:" + std::string(place)) << text;
    EXPECT_EQ(app.error().message.substr(0, message.size()), message) << text;
  }
}

}  // namespace
}  // namespace cusp::app
