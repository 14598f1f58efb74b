#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/signals.h"
#include "node/node.h"

namespace CLI {
class App;
}

namespace cusp::cli {

// The flags that `serve` and `dev` share.
struct ServeOptions {
  std::string path = ".";
  std::string listen = "127.0.0.1:3000";
  std::string state_directory;
  std::string stores_directory;
  std::string tls_certificate;
  std::string tls_key;
  std::string profile;
  std::string runtime_config;
  std::vector<std::string> variables;  // name=value
  size_t shards = 0;
  uint32_t reuse_requests = 1;
  std::string access_log;
  std::string admin;
  std::string s3;
  std::string data;
  bool server_timing = false;
  std::string from;  // of `dev` alone
};

void add_serve_options(CLI::App& command, ServeOptions& options);

// Where `serve` and `dev` keep what an app stores: a folder beside the manifest. `app` is the
// manifest, its folder or a component.
std::string app_stores_directory(const std::string& app);

// Errors: kInvalidArgument naming the flag.
Result<node::NodeOptions> to_node_options(const ServeOptions& options);

// "listening on http://127.0.0.1:3000" on standard output, one line each.
void print_urls(const node::Node& node);

// Waits for SIGINT or SIGTERM, which `signals` holds, and drains the node. A second signal does not
// wait for that. `hangup` is what SIGHUP does, if `signals` holds it.
void run_until_signal(node::Node& node, Signals& signals, const std::function<void()>& hangup = {});

}  // namespace cusp::cli
