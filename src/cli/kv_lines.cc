#include "cli/kv_lines.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace cusp::cli {

namespace {

using nlohmann::json;
namespace kv = store::kv;

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

// Whether JSON can carry the bytes as they are.
bool is_utf8(const std::string& bytes) {
  const json text(bytes);
  return text.dump(-1, ' ', false, json::error_handler_t::ignore) ==
         text.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<> read_member(const std::string& name, const json& value, kv::Change& change) {
  if (name == "expires") {
    if (!value.is_number_integer()) return wrong("'expires' is not a number of milliseconds");
    change.expires = kv::Time(std::chrono::milliseconds(value.get<int64_t>()));
    return {};
  }
  if (!value.is_string()) return wrong(fmt::format("'{}' is not a string", name));
  const auto& text = value.get_ref<const std::string&>();
  if (name == "key") {
    change.key = text;
  } else if (name == "value") {
    change.value = text;
  } else if (name == "metadata") {
    change.metadata = text;
  } else if (name == "value_base64") {
    auto bytes = base64_decode(text);
    if (!bytes) return wrong("'value_base64' is not base64");
    change.value = std::move(*bytes);
  } else {
    return wrong(fmt::format(
        "unknown member '{}'; known: key, value, value_base64, metadata, expires", name));
  }
  return {};
}

}  // namespace

std::string to_line(const kv::Entry& entry, const std::string& key, bool with_value) {
  json line = {{"key", key}};
  if (with_value && is_utf8(entry.value)) {
    line["value"] = entry.value;
  } else if (with_value) {
    line["value_base64"] = base64_encode(entry.value);
  }
  if (!entry.metadata.empty()) line["metadata"] = entry.metadata;
  if (entry.expires) line["expires"] = entry.expires->time_since_epoch().count();
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<kv::Change> from_line(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return wrong("this line is not a JSON object");
  if (!object.contains("key")) return wrong("there is no 'key'");
  if (object.contains("value") == object.contains("value_base64")) {
    return wrong("exactly one of 'value' and 'value_base64' is needed");
  }
  kv::Change change;
  for (const auto& [name, value] : object.items()) CUSP_CHECK(read_member(name, value, change));
  return change;
}

}  // namespace cusp::cli
