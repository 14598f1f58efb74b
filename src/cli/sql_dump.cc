#include "cli/sql_dump.h"

#include <strings.h>

#include <cctype>
#include <limits>
#include <regex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/sql_text.h"
#include "cli/terminal.h"

namespace cusp::cli {

namespace {

namespace sql = store::sql;

constexpr size_t kPageRows = 500;

struct Table {
  std::string name;
  std::string definition;
  bool is_virtual = false;
  bool has_rowid = true;
};

std::string text_at(const sql::Rows& rows, size_t row, size_t column) {
  const auto* text = std::get_if<std::string>(&rows.values[row * rows.columns.size() + column]);
  return text == nullptr ? std::string() : *text;
}

bool is_one(const sql::Rows& rows, size_t row, size_t column) {
  return rows.values[row * rows.columns.size() + column] == sql::Value(int64_t{1});
}

// In the order in which they were made.
Result<std::vector<Table>> tables_of(const RunStatement& run) {
  CUSP_TRY(
      const sql::Rows rows,
      run({.text = "SELECT s.name, s.sql, l.type, l.wr FROM sqlite_schema s JOIN "
                   "pragma_table_list l ON l.name = s.name AND l.schema = 'main' WHERE s.type = "
                   "'table' AND l.type <> 'shadow' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                   "ORDER BY s.rowid"}));
  std::vector<Table> tables;
  for (size_t row = 0; row < rows.count(); ++row) {
    tables.push_back({.name = text_at(rows, row, 0),
                      .definition = text_at(rows, row, 1),
                      .is_virtual = text_at(rows, row, 2) == "virtual",
                      .has_rowid = !is_one(rows, row, 3)});
  }
  return tables;
}

// Writes the rows of one table.
class RowsDump {
 public:
  RowsDump(const RunStatement& run, const Table& table, std::FILE* out, Progress& progress)
      : run_(run), table_(table), out_(out), progress_(progress) {}

  Result<> write() {
    CUSP_CHECK(read_columns());
    while (true) {
      auto page = next_page();
      // Long rows: fewer at a time.
      if (!page && page.error().code == ErrorCode::kResourceExhausted && limit_ > 1) {
        limit_ /= 2;
        continue;
      }
      if (!page) return std::unexpected(std::move(page).error());
      if (page->count() == 0) return {};
      for (size_t row = 0; row < page->count(); ++row) print(*page, row);
      progress_.add(page->count());
    }
  }

 private:
  Result<> read_columns() {
    CUSP_TRY(const sql::Rows rows,
             run_({.text = fmt::format("PRAGMA table_xinfo({})", quoted_name(table_.name))}));
    const auto is_column = [&](const char* name) {
      for (size_t row = 0; row < rows.count(); ++row) {
        if (::strcasecmp(text_at(rows, row, 1).c_str(), name) == 0) return true;
      }
      return false;
    };
    // Generated columns and hidden ones cannot be set.
    for (size_t row = 0; row < rows.count(); ++row) {
      const bool plain = rows.values[row * rows.columns.size() + 6] == sql::Value(int64_t{0});
      if (plain) columns_.push_back(quoted_name(text_at(rows, row, 1)));
    }
    names_columns_ = table_.is_virtual || columns_.size() < rows.count();
    for (const char* alias : {"rowid", "_rowid_", "oid"}) {
      if (table_.has_rowid && !is_column(alias)) rowid_ = alias;
    }
    return {};
  }

  // By rowid where there is one: each page begins where the last has ended.
  Result<sql::Rows> next_page() {
    const std::string columns = fmt::format("{}", fmt::join(columns_, ", "));
    const std::string name = quoted_name(table_.name);
    if (rowid_.empty()) {
      CUSP_TRY(sql::Rows page,
               run_({.text = fmt::format("SELECT NULL, {} FROM {} LIMIT {} OFFSET {}", columns,
                                         name, limit_, done_)}));
      done_ += page.count();
      return page;
    }
    CUSP_TRY(sql::Rows page,
             run_({.text = fmt::format("SELECT {0}, {1} FROM {2} WHERE {0} {3} ?1 ORDER BY {0} "
                                       "LIMIT {4}",
                                       rowid_, columns, name, done_ == 0 ? ">=" : ">", limit_),
                   .parameters = {last_}}));
    done_ += page.count();
    if (page.count() > 0) last_ = page.values[(page.count() - 1) * page.columns.size()];
    return page;
  }

  void print(const sql::Rows& page, size_t row) {
    std::string text = "INSERT INTO " + quoted_name(table_.name);
    const bool with_rowid = table_.is_virtual && !rowid_.empty();
    if (names_columns_) {
      text += fmt::format("({}{}{})", with_rowid ? rowid_ : "", with_rowid ? ", " : "",
                          fmt::join(columns_, ", "));
    }
    text += " VALUES(";
    const size_t width = page.columns.size();
    for (size_t i = with_rowid ? 0 : 1; i < width; ++i) {
      text += literal(page.values[row * width + i]);
      text += i + 1 < width ? "," : ");\n";
    }
    std::fwrite(text.data(), 1, text.size(), out_);
  }

  const RunStatement& run_;
  const Table& table_;
  std::FILE* const out_;
  Progress& progress_;
  std::vector<std::string> columns_;  // in quotes
  bool names_columns_ = false;
  std::string rowid_;  // the name by which it can be asked for; empty: by none
  sql::Value last_ = std::numeric_limits<int64_t>::min();
  size_t done_ = 0;
  size_t limit_ = kPageRows;
};

// An FTS5 table whose content lies elsewhere is built from it (FTS5, section 4.4).
Result<> dump_virtual(const RunStatement& run, const Table& table, std::FILE* out,
                      Progress& progress) {
  std::string definition;  // without blanks
  for (const unsigned char byte : table.definition) {
    if (std::isspace(byte) == 0) definition += static_cast<char>(std::tolower(byte));
  }
  const auto says = [&](const char* option) {
    return definition.find(std::string(",") + option) != definition.npos ||
           definition.find(std::string("(") + option) != definition.npos;
  };
  if (!says("content=")) return RowsDump(run, table, out, progress).write();
  if (says("content=''") || says("content=\"\"")) {
    return fail(ErrorCode::kUnsupported, "this table does not keep its content", table.name);
  }
  const std::string name = quoted_name(table.name);
  fmt::print(out, "INSERT INTO {0}({0}) VALUES('rebuild');\n", name);
  return {};
}

Result<> dump_sequences(const RunStatement& run, std::FILE* out, Progress& progress) {
  CUSP_TRY(const sql::Rows there,
           run({.text = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"}));
  if (there.count() == 0) return {};
  fmt::print(out, "DELETE FROM sqlite_sequence;\n");
  const Table table{.name = "sqlite_sequence"};
  return RowsDump(run, table, out, progress).write();
}

Result<> dump_all(const RunStatement& run, std::FILE* out) {
  CUSP_TRY(const auto tables, tables_of(run));
  Progress progress("rows");
  fmt::print(out, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
  // Rows may refer to tables that were made later.
  for (const Table& table : tables) {
    if (!table.is_virtual) fmt::print(out, "{};\n", table.definition);
  }
  for (const Table& table : tables) {
    if (!table.is_virtual) CUSP_CHECK(RowsDump(run, table, out, progress).write());
  }
  for (const Table& table : tables) {
    if (!table.is_virtual) continue;
    fmt::print(out, "{};\n", table.definition);
    CUSP_CHECK(dump_virtual(run, table, out, progress));
  }
  CUSP_CHECK(dump_sequences(run, out, progress));
  CUSP_TRY(const sql::Rows rest,
           run({.text = "SELECT sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL "
                        "ORDER BY type = 'trigger', rowid"}));
  for (size_t row = 0; row < rest.count(); ++row) fmt::print(out, "{};\n", text_at(rest, row, 0));
  fmt::print(out, "COMMIT;\n");
  if (std::fflush(out) == 0 && std::ferror(out) == 0) return {};
  return fail(ErrorCode::kUnavailable, "the dump cannot be written as a whole");
}

// Whether the statement begins or ends a transaction, as the dumps of all tools do.
bool frames(const std::string& statement) {
  static const std::regex kFrame("\\s*(begin|commit|end)\\b.*",
                                 std::regex::icase | std::regex::optimize);
  return statement.size() < 64 && std::regex_match(statement, kFrame);
}

Result<size_t> import_all(const RunStatement& run, const std::function<bool()>& in_transaction,
                          std::istream& in) {
  StatementReader reader(in);
  Progress progress("statements");
  for (size_t count = 0;; progress.add()) {
    auto statement = reader.next();
    if (statement && !*statement) return count;
    if (statement && frames(**statement)) continue;
    Result<sql::Rows> rows;
    if (statement) rows = run(with_parameters(std::move(**statement)));
    if (!statement || !rows || !in_transaction()) {
      auto error = !statement ? statement.error()
                   : !rows    ? rows.error()
                              : Error{ErrorCode::kInvalidArgument,
                                   "this statement ends the transaction of the import"};
      error.context = fmt::format("line {}", reader.line());
      return std::unexpected(std::move(error));
    }
    ++count;
  }
}

}  // namespace

Result<> dump(const RunStatement& run, std::FILE* out) {
  CUSP_CHECK(run({.text = "BEGIN"}));
  CUSP_CHECK(dump_all(run, out));
  CUSP_CHECK(run({.text = "COMMIT"}));
  return {};
}

Result<size_t> import_sql(const RunStatement& run, const std::function<bool()>& in_transaction,
                          std::istream& in) {
  CUSP_CHECK(run({.text = "BEGIN IMMEDIATE"}));
  // Rows come table by table: those that they refer to may come later.
  CUSP_CHECK(run({.text = "PRAGMA defer_foreign_keys = ON"}));
  CUSP_TRY(const size_t count, import_all(run, in_transaction, in));
  CUSP_CHECK(run({.text = "COMMIT"}));
  return count;
}

}  // namespace cusp::cli
