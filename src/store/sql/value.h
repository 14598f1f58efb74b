#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cusp::store::sql {

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

// SQLite's five kinds of value; monostate: NULL. Texts are UTF-8 unless an app has stored others.
using Value = std::variant<std::monostate, int64_t, double, std::string, Blob>;

// One SQL statement with what its parameters stand for.
struct Statement {
  std::string text;
  std::vector<Value> parameters;                     // of "?" and "?1", in their order
  std::vector<std::pair<std::string, Value>> named;  // ":a", "@a" or "$a", with or without the sign
};

struct Column {
  std::string name;
  std::string type;  // as the table declares it; empty for an expression
  bool operator==(const Column&) const = default;
};

// What a statement is like, before it runs.
struct Description {
  struct Parameter {
    std::string name;  // with its sign; empty for "?"
  };
  std::vector<Parameter> parameters;
  std::vector<Column> columns;
  bool explain = false;
  bool reads = false;  // changes nothing
};

// What SQL's functions changes() and last_insert_rowid() answer in one session.
struct Last {
  uint64_t changes = 0;
  int64_t insert_rowid = 0;
};

// What a statement answers.
struct Rows {
  std::vector<Column> columns;
  std::vector<Value> values;  // row after row
  uint64_t changes = 0;       // rows that this statement has inserted, updated or deleted
  Last last;                  // of the session, afterwards

  size_t count() const { return columns.empty() ? 0 : values.size() / columns.size(); }
};

}  // namespace cusp::store::sql
