#include "app/database_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/suggest.h"

namespace cusp::app {

namespace {

constexpr int64_t kRowsMax = 10'000'000;
constexpr auto kTimeMin = std::chrono::milliseconds(10);
constexpr auto kTimeMax = std::chrono::minutes(10);

void check_name(const TableReader& table, const std::string& name, const App& app) {
  std::vector<std::string> known;
  for (const auto& component : app.components) {
    known.insert(known.end(), component.sqlite_databases.begin(), component.sqlite_databases.end());
  }
  if (std::ranges::find(known, name) != known.end()) return;
  table.error(fmt::format("no component has the database '{}' in its 'sqlite_databases'{}", name,
                          suggest(name, known)));
}

void read_size(TableReader& table, std::string_view key, uint64_t min, uint64_t max,
               std::string_view range, uint64_t& size) {
  const auto value = table.value(key);
  if (!value) return;
  size = value->bytes().value_or(size);
  if (size < min || size > max) value->error(fmt::format("'{}' is between {}", key, range));
}

void read_bounds(TableReader& table, SqlDatabase& database) {
  read_size(table, "max_size", 64 * limits::kKiB, 1024 * 1024 * limits::kMiB, "64KiB and 1024GiB",
            database.bytes_max);
  read_size(table, "max_result", 4 * limits::kKiB, 256 * limits::kMiB, "4KiB and 256MiB",
            database.result_bytes_max);
  database.rows_max = static_cast<uint32_t>(
      table.integer("max_rows", 1, kRowsMax).value_or(int64_t{database.rows_max}));
  const auto value = table.value("statement_time");
  if (!value) return;
  database.time_max = value->duration().value_or(database.time_max);
  if (database.time_max < kTimeMin || database.time_max > kTimeMax) {
    value->error("'statement_time' is between 10ms and 10m");
  }
}

}  // namespace

void read_databases(TableReader& root, App& app) {
  auto tables = root.table("sqlite");
  if (!tables) return;
  for (const TableReader::Entry& entry : tables->entries()) {
    auto table = entry.value.table(fmt::format("[sqlite.{}]", entry.key));
    if (!table) continue;
    check_name(*table, entry.key, app);
    SqlDatabase database{.name = entry.key, .place = table->place()};
    if (const auto folder = table->string("migrations")) {
      database.migrations =
          (std::filesystem::path(app.directory) / *folder).lexically_normal().string();
    }
    read_bounds(*table, database);
    table->finish();
    app.databases.push_back(std::move(database));
  }
}

}  // namespace cusp::app
