#include "app/database_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/suggest.h"

namespace cusp::app {

namespace {

void check_name(const TableReader& table, const std::string& name, const App& app) {
  std::vector<std::string> known;
  for (const auto& component : app.components) {
    known.insert(known.end(), component.sqlite_databases.begin(), component.sqlite_databases.end());
  }
  if (std::ranges::find(known, name) != known.end()) return;
  table.error(fmt::format("no component has the database '{}' in its 'sqlite_databases'{}", name,
                          suggest(name, known)));
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
    table->finish();
    app.databases.push_back(std::move(database));
  }
}

}  // namespace cusp::app
