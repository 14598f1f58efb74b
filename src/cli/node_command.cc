#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/command.h"
#include "cli/serve_options.h"
#include "cli/terminal.h"
#include "node/config.h"
#include "node/node_edge.h"

namespace cusp::cli {

namespace {

struct NodeCommandOptions {
  std::string config;
  bool check = false;
};

constexpr const char* kFooter = R"(Examples:
  cusp node --config node.toml
  cusp node --config node.toml --check
  kill -HUP $(pidof cusp)      # load the applications again, without dropping a request

SIGHUP reads the file again and swaps the applications once all of them load; after an error the old
ones go on. It opens the access log anew. Listeners, shards and the state folder change with a
restart. SIGINT and SIGTERM stop the node once the requests in flight have ended; a second one stops
it at once.
docs/operations/node-config.md tells every setting.
Exit codes: 0 stopped; 2 the file or an application is wrong; 3 there is no such file; 4 a port
needs more rights; 5 a port is taken.)";

Result<node::NodeOptions> load(const std::string& path) {
  CUSP_TRY(node::NodeOptions options, node::load_node_config(path));
  options.progress = [](const std::string& message) { print_progress(message); };
  return options;
}

// Whether nothing has changed that takes a restart.
bool same_listeners(const node::NodeOptions& a, const node::NodeOptions& b) {
  return a.state_directory == b.state_directory && a.shards == b.shards && a.listen == b.listen &&
         a.acme == b.acme && a.s3 == b.s3;
}

// What is read here goes to the node as a whole or not at all.
Result<> reload(node::Node& node, const std::string& path, const node::NodeOptions& running) {
  CUSP_TRY(node::NodeOptions options, load(path));
  if (!same_listeners(options, running)) {
    print_progress(
        "listeners, ACME, shards or the state folder changed in the file: that takes a restart");
  }
  return node.reload(std::move(options));
}

// A line to try each application with, at the first listener.
void print_apps(const node::Node& node, const std::vector<node::AppSource>& apps) {
  const std::string url = node.urls().front();
  const std::string scheme = url.substr(0, url.find("://"));
  const std::string port = url.substr(url.rfind(':'));
  for (const auto& source : apps) {
    const std::string host = source.hosts.empty() ? "" : source.hosts.front();
    // Names below localhost are this machine's (RFC 6761 section 6.3); others may lead elsewhere.
    const std::string line = host.empty() || host.starts_with('*') ? fmt::format("curl {}/", url)
                             : host.ends_with(".localhost")
                                 ? fmt::format("curl {}://{}{}/", scheme, host, port)
                                 : fmt::format("curl -H 'host: {}' {}/", host, url);
    const auto name = std::filesystem::path(source.path).filename().string();
    fmt::print("  {}  {}\n", styled(Style::kBold, fmt::format("{:<16}", name)), line);
  }
  std::fflush(stdout);
}

Result<> run(const NodeCommandOptions& options) {
  Signals signals({SIGINT, SIGTERM, SIGHUP});
  CUSP_TRY(const node::NodeOptions node_options, load(options.config));
  if (options.check) {
    CUSP_CHECK(node::check_node_edge(node_options));
    for (const auto& source : node_options.apps) {
      CUSP_TRY(const app::App app, app::load_app(source.path, {.profile = source.profile}));
      CUSP_CHECK(app::check_sources(app));
    }
    fmt::print("{}: {} listeners, {} applications\n", styled(Style::kGreen, "valid"),
               node_options.listen.size(), node_options.apps.size());
    return {};
  }
  CUSP_TRY(const auto node, node::Node::start(node_options));
  print_urls(*node);
  print_apps(*node, node_options.apps);
  run_until_signal(*node, signals, [&] {
    print_progress("SIGHUP: loading the applications again");
    node->reopen_logs();
    node->refresh_certificates();
    if (const auto result = reload(*node, options.config, node_options); !result) {
      print_error(result.error());
      print_progress("the applications stay as they were");
    } else {
      print_progress("the applications are swapped");
    }
  });
  return {};
}

}  // namespace

void add_node(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<NodeCommandOptions>();  // shared: with the callback and the flags
  CLI::App* command =
      app.add_subcommand("node", "Run a node as its configuration file says: many applications");
  command->add_option("--config", options->config, "The configuration (TOML)")->required();
  command->add_flag("--check", options->check,
                    "Only read the file and the manifests, and say whether they are valid");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace cusp::cli
