#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"
#include "node/inspection.h"

namespace cusp::cli {

namespace {

struct InspectOptions {
  std::string path;
  bool json = false;
};

constexpr const char* kFooter = R"(Examples:
  cusp inspect target/wasm32-wasip2/release/handler.wasm
  cusp inspect handler.wasm --json | jq -r '.imports[] | select(.status != "served") | .name'

Exit codes: 0 a node can serve it; 2 it is no WebAssembly, or malformed; 3 there is no such file;
7 it is well formed, and a node cannot serve it: the error says why.)";

nlohmann::json to_json(const node::Inspection& inspection) {
  nlohmann::json json{
      {"path", inspection.path},
      {"kind", inspection.kind},
      {"world", nullptr},
      {"exports", inspection.exports},
      {"imports", nlohmann::json::array()},
      {"size_bytes", inspection.bytes},
      {"core",
       {{"modules", inspection.core_modules},
        {"memories", inspection.memories},
        {"code_bytes", inspection.code_bytes}}},
      {"producers", nlohmann::json::array()},
      {"problems", inspection.problems()},
      {"can_be_served", inspection.problems().empty()},
  };
  if (inspection.world) json["world"] = *inspection.world;
  for (const auto& import : inspection.imports) {
    json["imports"].push_back({{"name", import.name}, {"status", node::to_string(import.status)}});
  }
  for (const auto& producer : inspection.producers) {
    json["producers"].push_back(
        {{"field", producer.field}, {"tool", producer.tool}, {"version", producer.version}});
  }
  return json;
}

void print_row(std::string_view label, std::string_view value) {
  fmt::print("{} {}\n", styled(Style::kDim, fmt::format("{:<10}", label)), value);
}

std::string marked(const node::Import& import) {
  switch (import.status) {
    case node::ImportStatus::kServed:
      return fmt::format("{}  {}", styled(Style::kGreen, "served   "), import.name);
    case node::ImportStatus::kKnown:
      return fmt::format("{}  {}", styled(Style::kYellow, "no grant "), import.name);
    case node::ImportStatus::kUnknown:
      return fmt::format("{}  {}", styled(Style::kRed, "unknown  "),
                         styled(Style::kRed, import.name));
  }
  return import.name;
}

void print(const node::Inspection& inspection) {
  print_row("file", styled(Style::kBold, inspection.path));
  print_row("kind", inspection.kind);
  print_row("world",
            inspection.world ? *inspection.world : styled(Style::kRed, "none that Cusp serves"));
  print_row("size", fmt::format("{} bytes, {} of them code, in {} core module{} with {} memor{}",
                                inspection.bytes, inspection.code_bytes, inspection.core_modules,
                                inspection.core_modules == 1 ? "" : "s", inspection.memories,
                                inspection.memories == 1 ? "y" : "ies"));
  for (const auto& name : inspection.exports) print_row("export", name);
  for (const auto& import : inspection.imports) print_row("import", marked(import));
  for (const auto& producer : inspection.producers) {
    print_row("producer",
              fmt::format("{}: {} {}", producer.field, producer.tool, producer.version));
  }
  const bool any_known = std::ranges::any_of(inspection.imports, [](const auto& import) {
    return import.status == node::ImportStatus::kKnown;
  });
  if (any_known) {
    fmt::print("{}\n", styled(Style::kDim,
                              "'no grant': links, and answers an error when the guest calls it."));
  }
}

Result<> inspect(const InspectOptions& options) {
  CUSP_TRY(const auto inspection, node::inspect(options.path));
  if (options.json) {
    fmt::print("{}\n", to_json(inspection).dump(2));
  } else {
    print(inspection);
  }
  const auto problems = inspection.problems();
  if (problems.empty()) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("cannot be served: {}", fmt::join(problems, "; ")), options.path);
}

}  // namespace

void add_inspect(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<InspectOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand(
      "inspect", "Tell what a WebAssembly file is and whether a node can serve it");
  command->add_option("file", options->path, "A component or core module (.wasm, .wat)")
      ->required();
  command->add_flag("--json", options->json, "Print one JSON object instead");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return inspect(*options); }; });
}

}  // namespace cusp::cli
