#include "node/inspection.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "engine/engine.h"

namespace cusp::node {

namespace {

ImportStatus status_of(std::string_view name) {
  if (name == "served") return ImportStatus::kServed;
  if (name == "known") return ImportStatus::kKnown;
  return ImportStatus::kUnknown;
}

// The engine writes this JSON: its shape is not outside input.
Inspection read(const nlohmann::json& json) {
  Inspection result{.kind = json["kind"],
                    .exports = json["exports"],
                    .bytes = json["size"],
                    .core_modules = json["core"]["modules"],
                    .memories = json["core"]["memories"],
                    .code_bytes = json["core"]["code_bytes"]};
  if (json["world"].is_string()) result.world = json["world"];
  for (const auto& import : json["imports"]) {
    const std::string status = import["status"];
    result.imports.push_back({.name = import["name"], .status = status_of(status)});
  }
  for (const auto& producer : json["producers"]) {
    result.producers.push_back(
        {.field = producer["field"], .tool = producer["tool"], .version = producer["version"]});
  }
  return result;
}

}  // namespace

std::string_view to_string(ImportStatus status) {
  switch (status) {
    case ImportStatus::kServed: return "served";
    case ImportStatus::kKnown: return "known";
    case ImportStatus::kUnknown: return "unknown";
  }
  return "unknown";
}

std::vector<std::string> Inspection::problems() const {
  std::vector<std::string> problems;
  if (!world) {
    problems.push_back(
        "it exports no world that Cusp serves: export wasi:http/incoming-handler@0.2, "
        "wasi:http/handler@0.3 or wasi:cli/run@0.2");
  }
  for (const auto& import : imports) {
    if (import.status != ImportStatus::kUnknown) continue;
    problems.push_back(fmt::format(
        "it imports '{}', which Cusp does not know: compose it with a component that exports it, "
        "or correct its version",
        import.name));
  }
  return problems;
}

Result<Inspection> inspect(const std::string& path) {
  CUSP_TRY(const std::string wasm, read_file(path));
  auto json = engine::describe(wasm);
  if (!json) {
    json.error().context = path;
    return std::unexpected(std::move(json).error());
  }
  Inspection result = read(nlohmann::json::parse(*json));
  result.path = path;
  return result;
}

Result<std::string> try_engine() {
  CUSP_TRY(const auto engine, engine::Engine::create());
  return engine->fingerprint();
}

}  // namespace cusp::node
