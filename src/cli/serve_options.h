#pragma once

#include <string>
#include <vector>

#include "base/result.h"
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
  std::string tls_certificate;
  std::string tls_key;
  std::string profile;
  std::string runtime_config;
  std::vector<std::string> variables;  // name=value
  size_t shards = 0;
  uint32_t reuse_requests = 1;
};

void add_serve_options(CLI::App& command, ServeOptions& options);

// Errors: kInvalidArgument naming the flag.
Result<node::NodeOptions> to_node_options(const ServeOptions& options);

// Parses "127.0.0.1:3000", ":3000", "[::1]:0". Errors: kInvalidArgument.
Result<node::Listen> parse_listen(const std::string& text);

// Prints where the node listens, one line each, then waits for SIGINT or SIGTERM and drains it.
// Call block_signals() before the node starts its threads.
void block_signals();
void run_until_signal(node::Node& node);

}  // namespace cusp::cli
