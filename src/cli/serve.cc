#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/serve_options.h"

namespace cusp::cli {

namespace {

Result<> serve(const ServeOptions& options) {
  block_signals();
  CUSP_TRY(node::NodeOptions node_options, to_node_options(options));
  CUSP_TRY(const auto node, node::Node::start(std::move(node_options)));
  run_until_signal(*node);
  return {};
}

}  // namespace

void add_serve(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ServeOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand("serve", "Serve an application or a component over HTTP");
  add_serve_options(*command, *options);
  command->callback([options, &chosen] { chosen = [options] { return serve(*options); }; });
}

}  // namespace cusp::cli
