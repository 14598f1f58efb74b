#include "base/table_reader.h"

// toml++ without exceptions goes on after some errors until an assertion fails (3.3, found by
// fuzzing), so this one file lets it throw, and catches in parse().
#undef TOML_EXCEPTIONS
#define TOML_EXCEPTIONS 1

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/suggest.h"
#include "base/units.h"

namespace cusp {
namespace {

std::string place_of(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a float";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date-time";
  }
  return "something else";
}

}  // namespace

void Diagnostics::add(std::string place, std::string message, ErrorCode code) {
  if (!first_) first_ = Error{code, std::move(message), std::move(place)};
}

void Diagnostics::add_unknown_key(std::string place, std::string message) {
  if (unknown_key_) return;
  unknown_key_ = Error{ErrorCode::kInvalidArgument, std::move(message), std::move(place)};
}

Result<> Diagnostics::result() const {
  if (unknown_key_) return std::unexpected(*unknown_key_);
  if (first_) return std::unexpected(*first_);
  return {};
}

bool Value::is_string() const { return node_->is_string(); }
bool Value::is_boolean() const { return node_->is_boolean(); }
bool Value::is_array() const { return node_->is_array(); }
bool Value::is_table() const { return node_->is_table(); }

std::optional<std::string> Value::string() const {
  if (const auto* value = node_->as_string()) return value->get();
  wrong_type("a string");
  return std::nullopt;
}

std::optional<bool> Value::boolean() const {
  if (const auto* value = node_->as_boolean()) return value->get();
  wrong_type("true or false");
  return std::nullopt;
}

std::optional<int64_t> Value::integer(int64_t min, int64_t max) const {
  const auto* value = node_->as_integer();
  if (value && value->get() >= min && value->get() <= max) return value->get();
  if (value) {
    error(fmt::format("'{}' must be between {} and {}, not {}", name_, min, max, value->get()));
  } else {
    wrong_type("an integer");
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> Value::duration() const {
  auto text = string();
  if (!text) return std::nullopt;
  auto parsed = parse_duration(*text);
  if (parsed) return *parsed;
  error(fmt::format("'{}': {}", name_, parsed.error().message));
  return std::nullopt;
}

std::optional<uint64_t> Value::bytes() const {
  auto text = string();
  if (!text) return std::nullopt;
  auto parsed = parse_bytes(*text);
  if (parsed) return *parsed;
  error(fmt::format("'{}': {}", name_, parsed.error().message));
  return std::nullopt;
}

std::vector<Value> Value::elements() const {
  std::vector<Value> result;
  const auto* array = node_->as_array();
  if (!array) wrong_type("an array");
  if (!array) return result;
  result.reserve(array->size());
  for (const toml::node& element : *array) {
    result.emplace_back(element, fmt::format("{}[{}]", name_, result.size()), *diagnostics_);
  }
  return result;
}

std::vector<std::string> Value::strings() const {
  std::vector<std::string> result;
  if (!is_array()) {
    wrong_type("an array of strings");
    return result;
  }
  for (const Value& element : elements()) {
    if (auto text = element.string()) result.push_back(std::move(*text));
  }
  return result;
}

std::vector<std::string> Value::one_or_many_strings() const {
  if (is_string()) return {*string()};
  if (is_array()) return strings();
  wrong_type("a string or an array of strings");
  return {};
}

std::optional<TableReader> Value::table() const { return table(fmt::format("'{}'", name_)); }

std::optional<TableReader> Value::table(std::string what) const {
  if (const auto* table = node_->as_table()) {
    return TableReader(*table, std::move(what), *diagnostics_);
  }
  wrong_type("a table");
  return std::nullopt;
}

void Value::error(std::string message, ErrorCode code) const {
  diagnostics_->add(place(), std::move(message), code);
}

void Value::wrong_type(std::string_view expected) const {
  error(fmt::format("'{}' must be {}, not {}", name_, expected, type_name(*node_)));
}

std::string Value::place() const { return place_of(diagnostics_->file(), node_->source()); }

bool TableReader::has(std::string_view key) const { return table_->contains(key); }

std::optional<Value> TableReader::value(std::string_view key) {
  known_.emplace_back(key);
  const toml::node* node = table_->get(key);
  if (!node) return std::nullopt;
  return Value(*node, std::string(key), *diagnostics_);
}

std::optional<std::string> TableReader::string(std::string_view key) {
  auto found = value(key);
  return found ? found->string() : std::nullopt;
}

std::string TableReader::string_or(std::string_view key, std::string_view fallback) {
  return string(key).value_or(std::string(fallback));
}

std::string TableReader::required_string(std::string_view key) {
  auto found = value(key);
  if (!found) error(fmt::format("{} needs the key '{}' (a string)", what_, key));
  if (!found) return {};
  return found->string().value_or("");
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  auto found = value(key);
  return found ? found->boolean() : std::nullopt;
}

std::optional<int64_t> TableReader::integer(std::string_view key, int64_t min, int64_t max) {
  auto found = value(key);
  return found ? found->integer(min, max) : std::nullopt;
}

std::vector<std::string> TableReader::strings(std::string_view key) {
  auto found = value(key);
  return found ? found->strings() : std::vector<std::string>{};
}

std::map<std::string, std::string> TableReader::string_map(std::string_view key) {
  std::map<std::string, std::string> result;
  auto reader = table(key);
  if (!reader) return result;
  for (const Entry& entry : reader->entries()) {
    if (auto text = entry.value.string()) result.emplace(entry.key, std::move(*text));
  }
  return result;
}

std::optional<TableReader> TableReader::table(std::string_view key) {
  auto found = value(key);
  return found ? found->table() : std::nullopt;
}

std::vector<TableReader> TableReader::tables(std::string_view key, std::string what) {
  if (what.empty()) what = fmt::format("[[{}]]", key);
  std::vector<TableReader> result;
  auto found = value(key);
  if (!found) return result;
  if (!found->is_array()) found->wrong_type(fmt::format("an array of tables ({})", what));
  if (!found->is_array()) return result;
  for (const Value& element : found->elements()) {
    if (auto reader = element.table(what)) result.push_back(*reader);
  }
  return result;
}

std::vector<TableReader::Entry> TableReader::entries() {
  struct Ordered {
    toml::source_position position;
    Entry entry;
  };
  std::vector<Ordered> ordered;
  for (auto&& [key, node] : *table_) {
    known_.emplace_back(key.str());
    std::string name(key.str());
    ordered.push_back(
        {key.source().begin,
         {name, place_of(diagnostics_->file(), key.source()), Value(node, name, *diagnostics_)}});
  }
  // The library keeps keys sorted by name; people expect their own order.
  std::ranges::sort(ordered, {}, [](const Ordered& item) {
    return std::pair(item.position.line, item.position.column);
  });
  std::vector<Entry> result;
  for (Ordered& item : ordered) result.push_back(std::move(item.entry));
  return result;
}

void TableReader::ignore(std::string_view key) { known_.emplace_back(key); }

void TableReader::finish() {
  std::ranges::sort(known_);
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (auto&& [key, node] : *table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    diagnostics_->add_unknown_key(
        place_of(diagnostics_->file(), key.source()),
        fmt::format("unknown key '{}' in {}{}", key.str(), what_, suggest(key.str(), known_)));
  }
}

void TableReader::error(std::string message, ErrorCode code) const {
  diagnostics_->add(place(), std::move(message), code);
}

std::string TableReader::place() const { return place_of(diagnostics_->file(), table_->source()); }

TomlFile::TomlFile(std::unique_ptr<toml::table> table, std::string file)
    : table_(std::move(table)), diagnostics_(std::make_unique<Diagnostics>(std::move(file))) {}
TomlFile::~TomlFile() = default;
TomlFile::TomlFile(TomlFile&&) noexcept = default;
TomlFile& TomlFile::operator=(TomlFile&&) noexcept = default;

TableReader TomlFile::root() { return TableReader(*table_, "the file", *diagnostics_); }

Result<TomlFile> TomlFile::parse(std::string_view text, std::string file) {
  try {
    auto table = std::make_unique<toml::table>(toml::parse(text, file));
    return TomlFile(std::move(table), std::move(file));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("not valid TOML: {}", error.description()),
                place_of(file, error.source()));
  }
}

Result<TomlFile> TomlFile::read(const std::string& path) {
  CUSP_TRY(std::string text, read_text_file(path, kManifestBytesMax));
  return parse(text, path);
}

Result<std::string> read_text_file(const std::string& path, size_t bytes_max) {
  std::error_code status;
  if (!std::filesystem::exists(path, status)) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no file '{}'", path));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text(bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.eof() && stream.fail()) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot read '{}'", path));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > bytes_max) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("'{}' is larger than {} bytes", path, bytes_max));
  }
  return text;
}

}  // namespace cusp
