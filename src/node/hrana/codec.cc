#include "node/hrana/codec.h"

#include <limits>

#include <fmt/format.h>

#include "store/sql/hrana_value.h"

namespace cusp::node::hrana {

namespace {

namespace sql = store::sql;

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

const json& member(const json& from, const char* name) {
  static const json kNull;
  const auto found = from.is_object() ? from.find(name) : from.end();
  return found == from.end() ? kNull : *found;
}

Result<std::string> read_string(const json& from, const char* name) {
  const json& value = member(from, name);
  if (!value.is_string()) return wrong(fmt::format("'{}' is a string", name));
  return value.get<std::string>();
}

Result<uint64_t> read_index(const json& from, const char* name) {
  const json& value = member(from, name);
  if (!value.is_number_unsigned()) return wrong(fmt::format("'{}' is a number from 0 on", name));
  return value.get<uint64_t>();
}

Result<std::vector<Condition>> read_parts(const json& from, size_t step, size_t depth);

// `step` is the one that it decides about, `depth` how many more may stand within it.
Result<Condition> read_condition(const json& from, size_t step, size_t depth) {
  using Type = Condition::Type;
  if (depth == 0) return wrong("conditions stand too deep in each other");
  CUSP_TRY(const std::string type, read_string(from, "type"));
  if (type == "is_autocommit") return Condition{.type = Type::kIsAutocommit};
  if (type == "ok" || type == "error") {
    CUSP_TRY(const uint64_t of, read_index(from, "step"));
    if (of >= step) return wrong("a condition asks for a step that comes later");
    return Condition{.type = type == "ok" ? Type::kOk : Type::kError, .step = of};
  }
  if (type == "not") {
    CUSP_TRY(Condition part, read_condition(member(from, "cond"), step, depth - 1));
    Condition condition{.type = Type::kNot};
    condition.parts.push_back(std::move(part));
    return condition;
  }
  if (type == "and" || type == "or") {
    CUSP_TRY(auto parts, read_parts(member(from, "conds"), step, depth - 1));
    return Condition{.type = type == "and" ? Type::kAnd : Type::kOr, .parts = std::move(parts)};
  }
  return wrong(fmt::format("'{}' is no type of a condition", type.substr(0, 40)));
}

Result<std::vector<Condition>> read_parts(const json& from, size_t step, size_t depth) {
  if (!from.is_array() || from.size() > kConditionPartsMax) {
    return wrong(fmt::format("'conds' is an array of at most {} conditions", kConditionPartsMax));
  }
  std::vector<Condition> parts;
  for (const json& one : from) {
    CUSP_TRY(Condition part, read_condition(one, step, depth));
    parts.push_back(std::move(part));
  }
  return parts;
}

std::string_view constraint_code(std::string_view message) {
  using Name = std::pair<std::string_view, std::string_view>;
  constexpr Name kNames[] = {{"UNIQUE ", "SQLITE_CONSTRAINT_UNIQUE"},
                             {"PRIMARY KEY ", "SQLITE_CONSTRAINT_PRIMARYKEY"},
                             {"NOT NULL ", "SQLITE_CONSTRAINT_NOTNULL"},
                             {"FOREIGN KEY ", "SQLITE_CONSTRAINT_FOREIGNKEY"},
                             {"CHECK ", "SQLITE_CONSTRAINT_CHECK"}};
  for (const auto& [begin, code] : kNames) {
    if (message.starts_with(begin) && message.contains("constraint failed")) return code;
  }
  return "SQLITE_ERROR";
}

std::string_view code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument: return constraint_code(error.message);
    case ErrorCode::kPermissionDenied: return "SQLITE_AUTH";
    case ErrorCode::kResourceExhausted: return "SQLITE_FULL";
    case ErrorCode::kDeadlineExceeded: return "SQLITE_INTERRUPT";
    case ErrorCode::kDataLoss: return "SQLITE_CORRUPT";
    default: return "SQLITE_IOERR";
  }
}

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

}  // namespace

Result<SqlText> read_sql(const json& from) {
  const json& text = member(from, "sql");
  const json& id = member(from, "sql_id");
  if (text.is_null() == id.is_null()) return wrong("exactly one of 'sql' and 'sql_id' is needed");
  if (text.is_string()) return SqlText{.text = text.get<std::string>()};
  const bool fits = id.is_number_integer() && id >= std::numeric_limits<int32_t>::min() &&
                    id <= std::numeric_limits<int32_t>::max();
  if (!fits) return wrong("'sql' is a string and 'sql_id' a 32-bit integer");
  return SqlText{.id = id.get<int32_t>()};
}

Result<Stmt> read_stmt(const json& from) {
  Stmt stmt;
  CUSP_TRY(stmt.sql, read_sql(from));
  const json& values = member(from, "args");
  const json& named = member(from, "named_args");
  const json& want_rows = member(from, "want_rows");
  if ((!values.is_null() && !values.is_array()) || (!named.is_null() && !named.is_array())) {
    return wrong("'args' and 'named_args' are arrays");
  }
  for (const json& one : values) {
    CUSP_TRY(auto value, sql::read_hrana(one));
    stmt.arguments.parameters.push_back(std::move(value));
  }
  for (const json& one : named) {
    CUSP_TRY(std::string name, read_string(one, "name"));
    CUSP_TRY(auto value, sql::read_hrana(member(one, "value")));
    stmt.arguments.named.emplace_back(std::move(name), std::move(value));
  }
  if (!want_rows.is_null() && !want_rows.is_boolean()) {
    return wrong("'want_rows' is true or false");
  }
  stmt.want_rows = want_rows.is_null() || want_rows.get<bool>();
  return stmt;
}

Result<std::vector<Step>> read_batch(const json& from) {
  const json& all = member(from, "steps");
  if (!all.is_array() || all.size() > kStepsMax) {
    return wrong(fmt::format("'steps' is an array of at most {} steps", kStepsMax));
  }
  std::vector<Step> steps;
  for (const json& one : all) {
    Step step;
    const json& condition = member(one, "condition");
    if (!condition.is_null()) {
      CUSP_TRY(step.condition, read_condition(condition, steps.size(), kConditionDepthMax));
    }
    CUSP_TRY(step.stmt, read_stmt(member(one, "stmt")));
    steps.push_back(std::move(step));
  }
  return steps;
}

json columns_json(const sql::Rows& rows) {
  json columns = json::array();
  for (const auto& column : rows.columns) {
    columns.push_back({{"name", column.name}, {"decltype", text_or_null(column.type)}});
  }
  return columns;
}

json row_json(const sql::Rows& rows, size_t row) {
  json values = json::array();
  const size_t width = rows.columns.size();
  for (size_t i = 0; i < width; ++i) values.push_back(sql::to_hrana(rows.values[row * width + i]));
  return values;
}

json result_json(const sql::Rows& rows, bool want_rows) {
  json all = json::array();
  for (size_t row = 0; want_rows && row < rows.count(); ++row) all.push_back(row_json(rows, row));
  return {{"cols", columns_json(rows)},
          {"rows", std::move(all)},
          {"affected_row_count", rows.changes},
          {"last_insert_rowid", std::to_string(rows.last.insert_rowid)}};
}

json description_json(const sql::Description& description) {
  json parameters = json::array();
  for (const auto& parameter : description.parameters) {
    parameters.push_back({{"name", text_or_null(parameter.name)}});
  }
  json columns = json::array();
  for (const auto& column : description.columns) {
    columns.push_back({{"name", column.name}, {"decltype", text_or_null(column.type)}});
  }
  return {{"params", std::move(parameters)},
          {"cols", std::move(columns)},
          {"is_explain", description.explain},
          {"is_readonly", description.reads}};
}

json error_json(std::string_view code, std::string_view message) {
  return {{"message", message}, {"code", code}};
}

json error_json(const Error& error) { return error_json(code_of(error), error.message); }

std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace cusp::node::hrana
