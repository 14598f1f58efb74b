#include "cli/sql_rows.h"

#include <sqlite3.h>

#include <algorithm>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/kv_lines.h"

namespace cusp::cli {

namespace {

using nlohmann::ordered_json;
namespace sql = store::sql;

constexpr size_t kColumnWidthMax = 60;

std::string printable(std::string text) {
  for (char& byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7f) byte = '?';
  }
  return text;
}

std::string cell(const sql::Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return printable(*text);
  if (const auto* blob = std::get_if<sql::Blob>(&value)) {
    return fmt::format("<{} bytes>", blob->bytes.size());
  }
  return "NULL";
}

ordered_json to_json(const sql::Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<sql::Blob>(&value)) return {{"base64", base64(blob->bytes)}};
  return nullptr;
}

// The last column is not filled up.
std::string line(const std::vector<std::string>& cells, size_t from,
                 const std::vector<size_t>& widths) {
  std::string text;
  for (size_t i = 0; i < widths.size(); ++i) {
    const std::string& one = cells[from + i];
    text += one;
    if (i + 1 == widths.size()) break;
    text.append(widths[i] > one.size() ? widths[i] - one.size() : 0, ' ').append("  ");
  }
  return text + "\n";
}

}  // namespace

Result<std::vector<std::string>> split_statements(const std::string& text) {
  std::vector<std::string> statements;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != ';') continue;
    std::string one = text.substr(begin, at + 1 - begin);
    if (::sqlite3_complete(one.c_str()) == 0) continue;
    begin = at + 1;
    if (one.find_first_not_of(" \t\r\n;") != one.npos) statements.push_back(std::move(one));
  }
  if (text.find_first_not_of(" \t\r\n", begin) != text.npos) {
    const std::string rest = text.substr(begin);
    if (::sqlite3_complete((rest + ";").c_str()) == 0) {
      return fail(ErrorCode::kInvalidArgument, "the text ends within a statement");
    }
  }
  return statements;
}

std::string rows_as_text(const sql::Rows& rows) {
  if (rows.columns.empty()) {
    if (rows.changes == 0) return {};
    return fmt::format("{} {} changed\n", rows.changes, rows.changes == 1 ? "row" : "rows");
  }
  std::vector<std::string> cells;
  for (const auto& column : rows.columns) cells.push_back(printable(column.name));
  for (const auto& value : rows.values) cells.push_back(cell(value));
  std::vector<size_t> widths(rows.columns.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    size_t& width = widths[i % widths.size()];
    width = std::max(width, std::min(cells[i].size(), kColumnWidthMax));
  }
  std::string text;
  for (size_t i = 0; i < cells.size(); i += widths.size()) text += line(cells, i, widths);
  return text;
}

std::string rows_as_json(const sql::Rows& rows) {
  std::string text;
  for (size_t row = 0; row < rows.count(); ++row) {
    ordered_json object = ordered_json::object();
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      object[rows.columns[i].name] = to_json(rows.values[row * rows.columns.size() + i]);
    }
    text += object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace cusp::cli
