#include "store/sql/hrana_value.h"

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/base64.h"

namespace cusp::store::sql {

namespace {

using nlohmann::json;

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

const std::string* string_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found == from.end() ? nullptr : found->get_ptr<const std::string*>();
}

Result<Value> read_integer(std::string_view digits) {
  int64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, number);
  if (error == std::errc() && at == end) return number;
  return wrong(fmt::format("'{}' is not a 64-bit integer", digits.substr(0, 40)));
}

Result<Value> read_blob(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  text.append((4 - text.size() % 4) % 4, '=');
  if (auto bytes = base64_decode(text)) return Blob{std::move(*bytes)};
  return wrong("a blob is not in base 64");
}

}  // namespace

json to_hrana(const Value& value) {
  struct Convert {
    json operator()(std::monostate) const { return {{"type", "null"}}; }
    json operator()(int64_t number) const {
      return {{"type", "integer"}, {"value", std::to_string(number)}};
    }
    json operator()(double number) const {
      if (!std::isfinite(number)) return (*this)(std::monostate());
      return {{"type", "float"}, {"value", number}};
    }
    json operator()(const std::string& text) const { return {{"type", "text"}, {"value", text}}; }
    json operator()(const Blob& blob) const {
      return {{"type", "blob"}, {"base64", base64_encode(blob.bytes)}};
    }
  };
  return std::visit(Convert(), value);
}

Result<Value> read_hrana(const json& from) {
  const std::string* type = from.is_object() ? string_of(from, "type") : nullptr;
  if (type == nullptr) return wrong("a value is an object with the member 'type'");
  if (*type == "null") return Value();
  if (*type == "float") {
    const auto value = from.find("value");
    if (value == from.end() || !value->is_number()) {
      return wrong("the value of a float is a number");
    }
    return value->get<double>();
  }
  const bool blob = *type == "blob";
  if (!blob && *type != "text" && *type != "integer") {
    return wrong(fmt::format("'{}' is no type of a value: null, integer, float, text or blob",
                             type->substr(0, 40)));
  }
  const std::string* text = string_of(from, blob ? "base64" : "value");
  if (text == nullptr) return wrong(fmt::format("a value of type {} has no text", *type));
  if (blob) return read_blob(*text);
  if (*type == "text") return *text;
  return read_integer(*text);
}

}  // namespace cusp::store::sql
