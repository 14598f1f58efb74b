#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/checks.h"
#include "cli/command.h"
#include "cli/serve_options.h"
#include "cli/terminal.h"
#include "node/config.h"

namespace cusp::cli {

namespace {

struct DoctorOptions {
  std::string listen = "127.0.0.1:3000";
  std::string state_directory;
  bool json = false;
};

constexpr const char* kFooter = R"(Examples:
  cusp doctor
  cusp doctor --listen 0.0.0.0:443 --state-dir /var/lib/cusp
  cusp doctor --json | jq '.checks[] | select(.verdict != "ok")'

Exit codes: 0 a node can run here, whatever else could be better; 2 a flag is wrong; 5 a node
cannot run until what is marked as a problem is corrected.)";

std::string marked(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return styled(Style::kGreen, "ok     ");
    case Verdict::kWarning: return styled(Style::kYellow, "warning");
    case Verdict::kProblem: return styled(Style::kRed, "problem");
  }
  return "";
}

void print(const std::vector<Check>& checks) {
  for (const auto& check : checks) {
    fmt::print("{}  {}  {}\n", marked(check.verdict),
               styled(Style::kBold, fmt::format("{:<14}", check.name)), check.found);
    if (!check.fix.empty()) fmt::print("{:25}{} {}\n", "", styled(Style::kCyan, "fix:"), check.fix);
  }
}

nlohmann::json to_json(const std::vector<Check>& checks, bool can_run) {
  nlohmann::json json{{"can_run", can_run}, {"checks", nlohmann::json::array()}};
  for (const auto& check : checks) {
    json["checks"].push_back({{"name", check.name},
                              {"verdict", to_string(check.verdict)},
                              {"found", check.found},
                              {"fix", check.fix}});
  }
  return json;
}

Result<> doctor(const DoctorOptions& options) {
  auto listen = node::parse_listen(options.listen);
  if (!listen) return fail(listen.error().code, "--listen: " + listen.error().message);
  const std::string state =
      options.state_directory.empty() ? node::default_state_directory() : options.state_directory;
  std::vector<Check> checks = check_machine();
  checks.push_back(check_engine());
  checks.push_back(check_state_directory(state));
  checks.push_back(check_port(listen->address, listen->port));
  for (auto& check : check_toolchains()) checks.push_back(std::move(check));
  const auto problems = std::ranges::count(checks, Verdict::kProblem, &Check::verdict);
  if (options.json) {
    fmt::print("{}\n", to_json(checks, problems == 0).dump(2));
  } else {
    print(checks);
  }
  if (problems == 0) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} problem{} to correct before a node can run here", problems,
                          problems == 1 ? "" : "s"));
}

}  // namespace

void add_doctor(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<DoctorOptions>();  // shared: with the callback and the flags
  CLI::App* command =
      app.add_subcommand("doctor", "Check this machine and tell how to correct what is wrong");
  command->add_option("--listen", options->listen, "The address and port that a node shall use")
      ->capture_default_str();
  command->add_option("--state-dir", options->state_directory, "The folder for a node's state")
      ->default_str(node::default_state_directory());
  command->add_flag("--json", options->json, "Print one JSON object instead");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return doctor(*options); }; });
}

}  // namespace cusp::cli
