#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"
#include "node/config.h"
#include "node/node.h"

namespace cusp::cli {

namespace {

struct ExplainOptions {
  std::string url;
  std::string path = ".";
  std::string config;
  std::string method = "GET";
  std::vector<std::string> fields;  // "name: value"
  std::string client = "192.0.2.1";
  std::string state_directory;
  bool json = false;
};

constexpr const char* kFooter = R"(Examples:
  cusp explain /old/page
  cusp explain https://shop.example/api/items --method POST --header 'origin: https://x.example'
  cusp explain /admin --client 203.0.113.7 --json | jq -r '.[].verdict'

The request passes the edge as it would in production: which route it takes, which features act on
it in which order, and what each decides and why. What answers the route is not asked, and nothing
is sent to anybody but by features that must ask (key sets, for one).
Exit codes: 0 explained; 2 a flag or the manifest is wrong; 3 there is no such file.)";

// A whole URL, or a path on this machine.
Result<http::Request> to_request(const ExplainOptions& options) {
  http::Request request{.method = options.method, .scheme = "http", .authority = "localhost"};
  std::string_view rest = options.url;
  if (const size_t scheme = rest.find("://"); scheme != rest.npos && rest.front() != '/') {
    request.scheme = rest.substr(0, scheme);
    rest.remove_prefix(scheme + 3);
    const size_t slash = rest.find_first_of("/?#");
    request.authority = rest.substr(0, slash);
    rest = slash == rest.npos ? std::string_view() : rest.substr(slash);
  }
  rest = rest.substr(0, rest.find('#'));
  request.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  if ((request.scheme != "http" && request.scheme != "https") || request.authority.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a URL such as https://shop.example.com/cart, or a path "
                            "such as /cart",
                            options.url));
  }
  request.fields.add("host", request.authority);
  for (const auto& field : options.fields) {
    const size_t colon = field.find(':');
    const size_t value = field.find_first_not_of(' ', colon + 1);
    if (colon == field.npos ||
        !request.fields.try_add(field.substr(0, colon),
                                value == field.npos ? "" : field.substr(value))) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--header: '{}' is not 'name: value'", field));
    }
  }
  return request;
}

Result<node::NodeOptions> to_node_options(const ExplainOptions& options) {
  node::NodeOptions node;
  if (!options.config.empty()) {
    CUSP_TRY(node, node::load_node_config(options.config));
    node.listen.clear();
    node.admin.reset();
    node.access_log.clear();
  } else {
    node.apps.push_back({.path = options.path});
    node.state_directory = node::default_state_directory();
  }
  if (!options.state_directory.empty()) node.state_directory = options.state_directory;
  node.shards = 1;
  node.progress = [](const std::string& message) { print_progress(message); };
  return node;
}

void print_steps(const edge::Trail& trail) {
  for (const auto& step : trail.steps) {
    fmt::print("  {}  {:<14} {}\n",
               styled(Style::kCyan, fmt::format("{:<9}", to_string(step.phase))), step.feature,
               step.verdict);
  }
}

nlohmann::json to_json(const edge::Trail& trail) {
  auto steps = nlohmann::json::array();
  for (const auto& step : trail.steps) {
    steps.push_back({{"phase", to_string(step.phase)},
                     {"feature", step.feature},
                     {"verdict", step.verdict},
                     {"microseconds", static_cast<double>(step.took.count()) / 1000}});
  }
  return steps;
}

Result<> explain(const ExplainOptions& options) {
  CUSP_TRY(http::Request request, to_request(options));
  CUSP_TRY(node::NodeOptions node_options, to_node_options(options));
  CUSP_TRY(const auto node, node::Node::start(std::move(node_options)));
  const std::string title = fmt::format("{} {}://{}{}", request.method, request.scheme,
                                        request.authority, request.target);
  const edge::Trail trail = node->explain(std::move(request), options.client);
  if (options.json) {
    fmt::print("{}\n", to_json(trail).dump(2));
  } else {
    fmt::print("{} from {}\n", styled(Style::kBold, title), options.client);
    print_steps(trail);
  }
  return {};
}

}  // namespace

void add_explain(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ExplainOptions>();  // shared: with the callback and the flags
  CLI::App* command = app.add_subcommand(
      "explain", "Tell what the edge would do with a request: route, features, verdicts");
  command->add_option("url", options->url, "A URL, or a path")->required();
  command->add_option("--app", options->path, "A component, a manifest, or a folder with one")
      ->capture_default_str();
  command->add_option("--config", options->config,
                      "The configuration of a node, in place of --app");
  command->add_option("--method", options->method, "The method")->capture_default_str();
  command->add_option("--header", options->fields, "A header field: 'name: value'");
  command->add_option("--client", options->client, "The client's address")->capture_default_str();
  command->add_option("--state-dir", options->state_directory,
                      "Where compiled components and keys are kept");
  command->add_flag("--json", options->json, "Print an array of steps instead");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return explain(*options); }; });
}

}  // namespace cusp::cli
