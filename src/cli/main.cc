#include <CLI/CLI.hpp>

#include <cstdio>

#include "base/log.h"
#include "cli/command.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  using namespace cusp;
  CLI::App app("Cusp: applications at the edge, on one machine or in fifty cities.", "cusp");
  app.set_version_flag("--version", "cusp " CUSP_VERSION);
  app.require_subcommand(1);
  app.footer("`cusp COMMAND --help` tells a command's flags.");
  bool verbose = false;
  bool json_log = false;
  app.add_flag("-v,--verbose", verbose, "Log more: what the node decides and why");
  app.add_flag("--log-json", json_log, "Log JSON lines");

  cli::Action chosen;
  cli::add_new(app, chosen);
  cli::add_dev(app, chosen);
  cli::add_build(app, chosen);
  cli::add_serve(app, chosen);
  cli::add_node(app, chosen);
  cli::add_explain(app, chosen);
  cli::add_purge(app, chosen);
  cli::add_secret(app, chosen);
  cli::add_token(app, chosen);
  cli::add_kv(app, chosen);
  cli::add_object(app, chosen);
  cli::add_queue(app, chosen);
  cli::add_backup(app, chosen);
  cli::add_sql(app, chosen);
  cli::add_inspect(app, chosen);
  cli::add_doctor(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : exit_code(ErrorCode::kInvalidArgument);
  }
  log::configure(verbose ? log::Level::kDebug : log::Level::kInfo, json_log);
  const Result<> result = chosen();
  if (result) return 0;
  cli::print_error(result.error());
  return exit_code(result.error().code);
}
