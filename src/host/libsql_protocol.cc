#include "host/libsql_protocol.h"

#include <cmath>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "store/sql/hrana_value.h"

namespace cusp::host {

namespace {

using nlohmann::json;
namespace sql = store::sql;

constexpr size_t kMessageBytesMax = 1024;  // of a server's error, which a guest gets to see
constexpr size_t kBatonBytesMax = 8 * limits::kKiB;

const json& member(const json& from, const char* name) {
  static const json kNull;
  const auto found = from.is_object() ? from.find(name) : from.end();
  return found == from.end() ? kNull : *found;
}

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kUnavailable,
              fmt::format("the libSQL server does not speak Hrana 3: {}", what));
}

std::string text_or_empty(const json& from) {
  return from.is_string() ? from.get<std::string>() : std::string();
}

// Cut between two characters of UTF-8.
std::string message_of(const json& error) {
  std::string text = text_or_empty(member(error, "message"));
  if (text.empty()) text = text_or_empty(member(error, "error"));
  size_t end = std::min(text.size(), kMessageBytesMax);
  while (end < text.size() && end > 0 && (text[end] & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

json pipeline(const std::string& baton, json requests) {
  return {{"baton", baton.empty() ? json() : json(baton)}, {"requests", std::move(requests)}};
}

size_t bytes_of(const sql::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* blob = std::get_if<sql::Blob>(&value)) return blob->bytes.size();
  return 0;
}

Error error_of(const json& error) {
  if (member(error, "code") == "SQLITE_FULL")
    return {ErrorCode::kResourceExhausted, sql::kFull, {}};
  std::string message = message_of(error);
  if (message.empty()) message = "the libSQL server gives no reason";
  return {ErrorCode::kInvalidArgument, std::move(message), {}};
}

Result<> read_row(const json& from, const sql::Limits& bounds, size_t& bytes, sql::Rows& rows) {
  if (!from.is_array() || from.size() != rows.columns.size()) {
    return wrong("a row has not one value for each column");
  }
  for (const json& one : from) {
    auto value = sql::read_hrana(one);
    if (!value) return wrong(value.error().message);
    bytes += sizeof(sql::Value) + bytes_of(*value);
    rows.values.push_back(std::move(*value));
  }
  if (bytes <= bounds.result_bytes_max) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("the answer has more than {} bytes", bounds.result_bytes_max));
}

Result<sql::Rows> read_rows(const json& result, const sql::Limits& bounds) {
  const json& columns = member(result, "cols");
  const json& all = member(result, "rows");
  const json& changes = member(result, "affected_row_count");
  if (!columns.is_array() || !all.is_array() || !changes.is_number_unsigned()) {
    return wrong("a result has 'cols', 'rows' and 'affected_row_count'");
  }
  if (all.size() > bounds.rows_max) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the answer has more than {} rows", bounds.rows_max));
  }
  sql::Rows rows{.changes = changes.get<uint64_t>()};
  for (const json& column : columns) {
    rows.columns.push_back({.name = text_or_empty(member(column, "name")),
                            .type = text_or_empty(member(column, "decltype"))});
  }
  size_t bytes = 0;
  for (const json& row : all) CUSP_CHECK(read_row(row, bounds, bytes, rows));
  return rows;
}

std::optional<int64_t> rowid_of(const json& result) {
  const json digits = member(result, "last_insert_rowid");
  if (!digits.is_string()) return std::nullopt;
  const auto value = sql::read_hrana({{"type", "integer"}, {"value", digits}});
  return value ? std::optional(std::get<int64_t>(*value)) : std::nullopt;
}

// The result of one request of a pipeline; null: it has failed, or is something else.
const json& result_of(const json& outcome, const char* type) {
  static const json kNull;
  const json& response = member(outcome, "response");
  return member(outcome, "type") == "ok" && member(response, "type") == type ? response : kNull;
}

}  // namespace

Result<std::string> libsql_request(const sql::Statement& statement, const std::string& baton) {
  if (statement.text.size() > limits::kSqlTextBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a statement has {} bytes at most", limits::kSqlTextBytesMax));
  }
  if (statement.parameters.size() > limits::kSqlParametersMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a statement has {} parameters at most", limits::kSqlParametersMax));
  }
  json arguments = json::array();
  size_t bytes = 0;
  for (const auto& value : statement.parameters) {
    const auto* real = std::get_if<double>(&value);
    if (real != nullptr && std::isinf(*real)) {
      return fail(ErrorCode::kInvalidArgument, "a libSQL server takes no infinite numbers");
    }
    bytes += bytes_of(value);
    arguments.push_back(sql::to_hrana(value));
  }
  if (bytes > limits::kSqlValueBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("parameters have {} bytes at most", limits::kSqlValueBytesMax));
  }
  json run{
      {"type", "execute"},
      {"stmt", {{"sql", statement.text}, {"args", std::move(arguments)}, {"want_rows", true}}}};
  json requests = json::array({std::move(run), json{{"type", "get_autocommit"}}});
  const json body = pipeline(baton, std::move(requests));
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string libsql_close(const std::string& baton) {
  return pipeline(baton, json::array({json{{"type", "close"}}})).dump();
}

Result<LibsqlAnswer> read_libsql_answer(std::string_view body, const sql::Limits& bounds) {
  const json document = json::parse(body, nullptr, false);
  const json& results = member(document, "results");
  if (!results.is_array() || results.size() != 2) return wrong("it has not two results");
  const json& autocommit = member(result_of(results[1], "get_autocommit"), "is_autocommit");
  if (!autocommit.is_boolean()) return wrong("it does not say whether a transaction is open");
  LibsqlAnswer answer{.baton = text_or_empty(member(document, "baton")),
                      .base_url = text_or_empty(member(document, "base_url")),
                      .rows = std::unexpected(Error{}),
                      .in_transaction = !autocommit.get<bool>()};
  if (answer.baton.size() > kBatonBytesMax) return wrong("its baton is too long");
  if (member(results[0], "type") == "error") {
    answer.rows = std::unexpected(error_of(member(results[0], "error")));
    return answer;
  }
  const json& result = member(result_of(results[0], "execute"), "result");
  answer.rows = read_rows(result, bounds);
  answer.insert_rowid = rowid_of(result);
  return answer;
}

LibsqlRefusal read_libsql_refusal(uint16_t status, std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  const std::string reason = message_of(document);
  return {.expired = status == 400 && member(document, "code") == "STREAM_EXPIRED",
          .message = fmt::format("the libSQL server answers {}{}{}", status,
                                 reason.empty() ? "" : ": ", reason)};
}

}  // namespace cusp::host
