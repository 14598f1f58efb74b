#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toml {
inline namespace v3 {
class node;
class table;
}  // namespace v3
}  // namespace toml

// How every TOML file of an application is read: ask a TableReader for the keys that may be there;
// what was not asked for is reported as unknown. Problems are collected, so that a parser reads
// straight on and asks once, at its end, whether all was well. Not thread-safe.
namespace cusp {

// What was wrong with one file.
class Diagnostics {
 public:
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  // Records a problem at `place`, "file:line:column".
  void add(std::string place, std::string message, ErrorCode code = ErrorCode::kInvalidArgument);
  void add_unknown_key(std::string place, std::string message);

  // The first problem recorded. An unknown key goes first: it is often why another one is missing.
  Result<> result() const;

  const std::string& file() const { return file_; }

 private:
  std::string file_;
  std::optional<Error> unknown_key_;
  std::optional<Error> first_;
};

class TableReader;

// One value of a TOML document. A getter reports a value of another type than its own and answers
// nothing. Refers to the document and its diagnostics, which must outlive it.
class Value {
 public:
  // `name` stands for the value in messages: "source".
  Value(const toml::node& node, std::string name, Diagnostics& diagnostics)
      : node_(&node), name_(std::move(name)), diagnostics_(&diagnostics) {}

  bool is_string() const;
  bool is_boolean() const;
  bool is_array() const;
  bool is_table() const;

  std::optional<std::string> string() const;
  std::optional<bool> boolean() const;
  std::optional<int64_t> integer(int64_t min, int64_t max) const;
  std::optional<std::chrono::milliseconds> duration() const;  // base/units.h
  std::optional<uint64_t> bytes() const;                      // base/units.h
  std::vector<Value> elements() const;                        // of an array
  std::vector<std::string> strings() const;                   // an array of strings
  std::vector<std::string> one_or_many_strings() const;       // also a single one
  std::optional<TableReader> table() const;
  std::optional<TableReader> table(std::string what) const;  // `what` as for TableReader

  void error(std::string message, ErrorCode code = ErrorCode::kInvalidArgument) const;
  // Reports that the value should have been `expected`, such as "a string or a table".
  void wrong_type(std::string_view expected) const;
  std::string place() const;
  const std::string& name() const { return name_; }

 private:
  const toml::node* node_;
  std::string name_;
  Diagnostics* diagnostics_;
};

// One table of a TOML document. Asking for a key makes it known; the getters are those of Value.
class TableReader {
 public:
  struct Entry {
    std::string key;
    std::string key_place;
    Value value;
  };

  // `what` names the table in messages: "[component.api]", or "the manifest" for the root.
  TableReader(const toml::table& table, std::string what, Diagnostics& diagnostics)
      : table_(&table), what_(std::move(what)), diagnostics_(&diagnostics) {}

  bool has(std::string_view key) const;
  std::optional<Value> value(std::string_view key);

  std::optional<std::string> string(std::string_view key);
  std::string string_or(std::string_view key, std::string_view fallback);
  std::string required_string(std::string_view key);  // reports a missing key
  std::optional<bool> boolean(std::string_view key);
  std::optional<int64_t> integer(std::string_view key, int64_t min, int64_t max);
  std::vector<std::string> strings(std::string_view key);
  std::map<std::string, std::string> string_map(std::string_view key);
  std::optional<TableReader> table(std::string_view key);
  // An array of tables; `what` names each in messages and defaults to "[[key]]".
  std::vector<TableReader> tables(std::string_view key, std::string what = {});

  // Every entry in the order of the file; all become known. For tables whose keys are names.
  std::vector<Entry> entries();
  // Marks a key as known whatever it holds, such as settings of other tools.
  void ignore(std::string_view key);
  // Reports the keys that nobody asked for, with the nearest that somebody did. Call it last.
  void finish();

  // Reports a problem with the table as a whole.
  void error(std::string message, ErrorCode code = ErrorCode::kInvalidArgument) const;
  std::string place() const;
  const std::string& what() const { return what_; }
  Diagnostics& diagnostics() const { return *diagnostics_; }

 private:
  const toml::table* table_;
  std::string what_;
  Diagnostics* diagnostics_;
  std::vector<std::string> known_;
};

// A parsed document: what readers and values point into.
class TomlFile {
 public:
  // `file` names the text in messages. Errors: kInvalidArgument with the place of a syntax error.
  static Result<TomlFile> parse(std::string_view text, std::string file);
  // Reads at most kManifestBytesMax. Errors: kNotFound, kResourceExhausted, and those of parse().
  static Result<TomlFile> read(const std::string& path);

  ~TomlFile();
  TomlFile(TomlFile&&) noexcept;
  TomlFile& operator=(TomlFile&&) noexcept;

  TableReader root();
  Diagnostics& diagnostics() { return *diagnostics_; }

 private:
  TomlFile(std::unique_ptr<toml::table> table, std::string file);

  std::unique_ptr<toml::table> table_;
  std::unique_ptr<Diagnostics> diagnostics_;
};

inline constexpr size_t kManifestBytesMax = 2 * 1024 * 1024;

// The text of a file of at most `bytes_max`. Errors: kNotFound, kResourceExhausted, kUnavailable.
Result<std::string> read_text_file(const std::string& path, size_t bytes_max);

}  // namespace cusp
