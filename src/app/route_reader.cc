#include "app/route_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/routes.h"
#include "base/suggest.h"

namespace cusp::app {
namespace {

constexpr std::string_view kReservedPrefix = "/.well-known/spin/";
constexpr std::string_view kWagiArgv = "${SCRIPT_NAME} ${ARGS}";

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// RFC 9110 section 5.5: no control characters but tab.
bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text,
                              [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

std::vector<std::string> split_arguments(std::string_view text) {
  std::vector<std::string> arguments;
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find(' ', start), text.size());
    if (end > start) arguments.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return arguments;
}

}  // namespace

StaticResponse read_static_response(TableReader& table, std::string_view status_key) {
  StaticResponse response;
  response.status = static_cast<uint16_t>(table.integer(status_key, 200, 599).value_or(200));
  response.body = table.string_or("body", "");
  if (auto headers = table.table("headers")) {
    for (const TableReader::Entry& entry : headers->entries()) {
      auto value = entry.value.string();
      if (!value) continue;
      if (!is_token(entry.key) || !is_field_value(*value)) {
        entry.value.error(fmt::format("'{}' is not a valid header field", entry.key));
      }
      response.headers.emplace_back(entry.key, std::move(*value));
    }
  }
  table.finish();
  return response;
}

void read_executor(TableReader& table, Route& route) {
  auto executor = table.table("executor");
  if (!executor) return;
  auto type = executor->value("type");
  auto name = type ? type->string() : std::nullopt;
  if (!type) executor->error("'executor' needs the key 'type' (\"http\" or \"wagi\")");
  if (name == "wagi") {
    route.executor = Executor::kWagi;
    route.wagi_entrypoint = executor->string_or("entrypoint", "_start");
    route.wagi_argv = split_arguments(executor->string_or("argv", kWagiArgv));
  } else if (name && name != "http" && name != "spin") {
    type->error(fmt::format("there is no executor '{}'{}", *name,
                            suggest(*name, {"http", "spin", "wagi"})));
  }
  executor->finish();
}

void check_routes(App& app, Diagnostics& diagnostics) {
  if (auto router = Router::create(app.routes); !router) {
    diagnostics.add(router.error().context, router.error().message);
  }
  for (const Route& route : app.routes) {
    if (!route.pattern.starts_with(kReservedPrefix)) continue;
    app.warnings.push_back(
        fmt::format("{}: the route '{}' never matches, since the node answers "
                    "everything under {} itself",
                    route.place, route.pattern, kReservedPrefix));
  }
}

}  // namespace cusp::app
