#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "node/node.h"

// The configuration of `cusp node` (docs/operations/node-config.md). Blocking.
namespace cusp::node {

// Reads "127.0.0.1:3000", ":3000" (127.0.0.1), "localhost:0" or "[::1]:3000". Port 0 is any free
// one. Errors: kInvalidArgument with what was expected.
Result<Listen> parse_listen(std::string_view text);

// Reads a file. Relative paths in it start at its folder; what is not set is as in NodeOptions, and
// without a state_dir it is default_state_directory(). Errors: kNotFound, and kInvalidArgument with
// "file:line:column" as context, what was expected and the nearest known key. Whether the apps and
// certificates exist is Node::start's to say.
Result<NodeOptions> load_node_config(const std::string& path);

// The same for text; `path` names it in messages, and its folder is where relative paths start.
Result<NodeOptions> parse_node_config(std::string_view text, const std::string& path);

}  // namespace cusp::node
