#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/sql/value.h"

// The JSON of Hrana 3 (the libSQL project's HRANA_3_SPEC.md, "Shared structures"). What reads fails
// with kInvalidArgument: the client has broken the protocol.
namespace cusp::node::hrana {

using nlohmann::json;

// What stands for SQL: the text itself, or the number of one that the stream keeps.
struct SqlText {
  std::optional<std::string> text;
  int32_t id = 0;
};
Result<SqlText> read_sql(const json& from);

struct Stmt {
  SqlText sql;
  store::sql::Statement arguments;  // without its text
  bool want_rows = true;
};
Result<Stmt> read_stmt(const json& from);

// When a step of a batch runs. Steps are those before it.
struct Condition {
  enum class Type : uint8_t { kOk, kError, kNot, kAnd, kOr, kIsAutocommit };
  Type type = Type::kOk;
  size_t step = 0;
  std::vector<Condition> parts;
};

struct Step {
  std::optional<Condition> condition;
  Stmt stmt;
};
Result<std::vector<Step>> read_batch(const json& from);

json columns_json(const store::sql::Rows& rows);
json row_json(const store::sql::Rows& rows, size_t row);
json result_json(const store::sql::Rows& rows, bool want_rows);
json description_json(const store::sql::Description& description);
// With SQLite's name of the code, as libSQL's clients know it.
json error_json(const Error& error);
json error_json(std::string_view code, std::string_view message);

// Bytes that are no UTF-8 become U+FFFD: JSON has no others.
std::string to_text(const json& value);

inline constexpr size_t kStepsMax = 1'000;         // of a batch, and requests of a pipeline
inline constexpr size_t kConditionDepthMax = 16;   // of one within another
inline constexpr size_t kConditionPartsMax = 100;  // of one, at each depth

}  // namespace cusp::node::hrana
