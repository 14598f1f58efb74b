#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/serve_options.h"

namespace cusp::cli {

namespace {

constexpr const char* kFooter = R"(Examples:
  cusp serve handler.wasm
  cusp serve apps/shop --listen :8080 --variable currency=CHF
  cusp serve . --tls-cert cert.pem --tls-key key.pem --listen 0.0.0.0:8443

SIGINT and SIGTERM stop it once the requests in flight have ended; a second one stops it at once.
Exit codes: 0 stopped; 2 a flag, manifest or component is wrong; 3 there is no such file; 4 the port
needs more rights; 5 the port is taken.)";

Result<> serve(const ServeOptions& options) {
  Signals signals({SIGINT, SIGTERM});
  CUSP_TRY(node::NodeOptions node_options, to_node_options(options));
  CUSP_TRY(const auto node, node::Node::start(std::move(node_options)));
  print_urls(*node);
  run_until_signal(*node, signals);
  return {};
}

}  // namespace

void add_serve(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ServeOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand("serve", "Serve an application or a component over HTTP");
  add_serve_options(*command, *options);
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return serve(*options); }; });
}

}  // namespace cusp::cli
