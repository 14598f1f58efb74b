#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/line_editor.h"
#include "cli/sql_dump.h"
#include "cli/sql_rows.h"
#include "cli/sql_text.h"
#include "cli/store_folder.h"
#include "cli/terminal.h"
#include "node/node.h"
#include "store/sql/split.h"

namespace cusp::cli {

namespace {

namespace sql = store::sql;

constexpr const char* kFooter = R"(Examples:
  cusp sql default "SELECT * FROM page LIMIT 5"   (in an app's folder)
  cusp sql default --json "SELECT id, title FROM page" --stores-dir /var/lib/cusp/stores
  cusp sql default < script.sql
  cusp sql default --migrate migrations/
  cusp sql default --dump > backup.sql; cusp sql default --import backup.sql --app other

Without a statement those of standard input run, each up to its ';'; on a terminal that is a shell
with a history (sql_history in the state folder), which Ctrl-D ends. --migrate applies the files
NAME.sql of a folder in the order of their names, each once. --import runs the statements of a file,
also of sqlite3's dumps, all or none.
A node that runs goes on: it does what this asks.
Exit codes: 0 done; 2 a flag or a statement is wrong; 3 there is no such database; 4 the node is
another user's.)";

struct SqlOptions {
  StoreFolderOptions folder;
  std::string database;
  std::string statement;
  std::string migrations;
  std::string import_file;
  bool dump = false;
  bool json = false;

  bool may_make_database() const { return !migrations.empty() || !import_file.empty(); }
};

// What a verb works with. The folder outlives the rest.
struct Opened {
  std::unique_ptr<StoreFolder> folder;
  std::shared_ptr<sql::Database> database;
  std::unique_ptr<sql::Session> session;
};

// Migrations and imports may make the database; a statement for one that nobody has made is a slip.
Result<Opened> open(const SqlOptions& options) {
  Opened opened;
  CUSP_TRY(opened.folder, StoreFolder::open(options.folder));
  CUSP_TRY(const std::string app, opened.folder->app(opened.folder->sql_apps()));
  const std::string path = opened.folder->stores().sql_path(app, options.database);
  if (!options.may_make_database() && !std::filesystem::exists(path)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("'{}' has no database '{}'", app, options.database), path);
  }
  CUSP_TRY(opened.database, opened.folder->sql(app, options.database));
  opened.session = opened.database->session();
  return opened;
}

Result<> run(const Opened& opened, const SqlOptions& options, std::string text) {
  sql::Statement statement{.text = std::move(text)};
  CUSP_TRY(const sql::Rows rows,
           opened.folder->wait(opened.session->execute(std::move(statement))));
  fmt::print("{}", options.json ? rows_as_json(rows) : rows_as_text(rows));
  std::fflush(stdout);
  return {};
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n;") == text.npos; }

// A person goes on after an error; a script does not.
Result<> run_each(const Opened& opened, const SqlOptions& options, const std::string& text,
                  bool person) {
  CUSP_TRY(const auto statements, store::sql::split_statements(text));
  for (const auto& statement : statements) {
    auto done = run(opened, options, statement);
    if (!done && !person) return done;
    if (!done) print_error(done.error());
  }
  return {};
}

// A shell: line by line, until Ctrl-D.
Result<> run_typed(const Opened& opened, const SqlOptions& options) {
  LineEditor editor(node::default_state_directory() + "/sql_history");
  std::string text;
  while (const auto line = editor.read(is_blank(text) ? "sql> " : "...> ")) {
    text += *line + "\n";
    if (::sqlite3_complete(text.c_str()) == 0) continue;
    editor.remember(text);
    CUSP_CHECK(run_each(opened, options, std::exchange(text, {}), /*person=*/true));
  }
  fmt::print("\n");
  return run_each(opened, options, text, /*person=*/true);
}

Result<> run_input(const Opened& opened, const SqlOptions& options) {
  if (::isatty(STDIN_FILENO) != 0) return run_typed(opened, options);
  std::string text;
  std::string line;
  while (std::getline(std::cin, line)) {
    text += line + "\n";
    if (::sqlite3_complete(text.c_str()) == 0) continue;
    CUSP_CHECK(run_each(opened, options, std::exchange(text, {}), /*person=*/false));
  }
  return run_each(opened, options, text, /*person=*/false);
}

Result<> import_file(const Opened& opened, const RunStatement& run, const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path);
  if (!file) return fail(ErrorCode::kNotFound, "this file cannot be read", path);
  const auto in_transaction = [&] { return opened.session->in_transaction(); };
  CUSP_TRY(
      const size_t count,
      import_sql(run, in_transaction, path == "-" ? std::cin : static_cast<std::istream&>(file)));
  print_progress(fmt::format("{} {} imported", count, count == 1 ? "statement" : "statements"));
  return {};
}

Result<> execute(const SqlOptions& options) {
  CUSP_TRY(const Opened opened, open(options));
  const RunStatement run_quietly = [&](sql::Statement statement) {
    return opened.folder->wait(opened.session->execute(std::move(statement)));
  };
  if (options.dump) return dump(run_quietly, stdout);
  if (!options.import_file.empty()) return import_file(opened, run_quietly, options.import_file);
  if (!options.migrations.empty()) {
    CUSP_TRY(const auto migrations, sql::read_migrations(options.migrations));
    CUSP_TRY(const size_t count, opened.database->migrate(migrations));
    print_progress(fmt::format("{} {} applied", count, count == 1 ? "migration" : "migrations"));
    return {};
  }
  if (!options.statement.empty()) return run(opened, options, options.statement);
  return run_input(opened, options);
}

}  // namespace

void add_sql(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<SqlOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand("sql", "Run statements in an app's SQL database");
  command->add_option("database", options->database, "The database's name")->required();
  command->add_option("statement", options->statement, "One SQL statement");
  command->add_flag("--json", options->json, "A line of JSON for each row");
  command->add_option("--migrate", options->migrations, "A folder of migrations to apply");
  command->add_flag("--dump", options->dump, "Print the whole database as SQL");
  command->add_option("--import", options->import_file,
                      "A file of SQL to run; '-' is standard input");
  add_store_folder_options(*command, options->folder);
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return execute(*options); }; });
}

}  // namespace cusp::cli
