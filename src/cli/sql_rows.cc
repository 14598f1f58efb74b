#include "cli/sql_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"

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
  if (const auto* blob = std::get_if<sql::Blob>(&value))
    return {{"base64", base64_encode(blob->bytes)}};
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
