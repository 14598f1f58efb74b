#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "node/ask.h"
#include "node/node.h"
#include "node/secret_file.h"

namespace cusp::cli {

namespace {

using nlohmann::json;

struct PurgeOptions {
  std::string url;
  std::string prefix;
  std::string tag;
  bool everything = false;
  std::string app;
  bool soft = false;
  std::string admin = "http://127.0.0.1:9090";
  std::string token;
  std::string state_directory;
};

constexpr const char* kFooter = R"(Examples:
  cusp purge --url https://shop.example.com/logo.png
  cusp purge --tag product-7 --soft
  cusp purge --prefix https://shop.example.com/blog/ --app shop --admin http://127.0.0.1:9090

--soft keeps what it hits as stale: it can be validated, or stand in for an origin that is down.
The token is read from the state folder of the node, or taken from --token or CUSP_ADMIN_TOKEN.
Exit codes: 0 purged; 2 a flag is wrong; 4 the token is wrong; 5 the node does not answer.)";

json to_json(const PurgeOptions& options) {
  json purge = json::object();
  if (!options.url.empty()) purge["url"] = options.url;
  if (!options.prefix.empty()) purge["prefix"] = options.prefix;
  if (!options.tag.empty()) purge["tag"] = options.tag;
  if (options.everything) purge["everything"] = true;
  if (!options.app.empty()) purge["app"] = options.app;
  if (options.soft) purge["soft"] = true;
  return purge;
}

ErrorCode code_of(uint16_t status) {
  switch (status) {
    case 400: return ErrorCode::kInvalidArgument;
    case 401: return ErrorCode::kPermissionDenied;
    default: return ErrorCode::kUnavailable;
  }
}

Result<> purge(const PurgeOptions& options) {
  std::string token = options.token;
  if (token.empty()) {
    const std::string& folder = options.state_directory;
    CUSP_TRY(token, node::load_token((folder.empty() ? node::default_state_directory() : folder) +
                                     "/admin.token"));
  }
  CUSP_TRY(http::Request request, node::request_for("POST", options.admin + "/purge"));
  request.fields.add("authorization", "Bearer " + token);
  request.fields.add("content-type", "application/json");
  request.body = http::make_body(to_json(options).dump());
  CUSP_TRY(const node::Answer answer, node::ask(std::move(request), limits::kMiB));
  const json body = json::parse(answer.body, nullptr, false);
  if (answer.status != 200 || !body.is_object() || !body.contains("purged")) {
    const std::string why = body.is_object() ? body.value("error", "") : answer.body;
    return fail(code_of(answer.status), fmt::format("the node answered {}: {}", answer.status, why),
                options.admin);
  }
  const auto count = body["purged"].get<uint64_t>();
  fmt::print("{} {}\n", count, count == 1 ? "response purged" : "responses purged");
  return {};
}

}  // namespace

void add_purge(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<PurgeOptions>();  // shared: with the callback and the flags
  CLI::App* command =
      app.add_subcommand("purge", "Take responses out of a node's cache before their time");
  auto* what = command->add_option_group("what", "What to purge");
  what->add_option("--url", options->url, "Every variant of this URL");
  what->add_option("--prefix", options->prefix, "Every URL that starts like this");
  what->add_option("--tag", options->tag, "Every response with this Surrogate-Key or Cache-Tag");
  what->add_flag("--everything", options->everything, "All that is there");
  what->require_option(1);
  command->add_option("--app", options->app, "Of this application alone");
  command->add_flag("--soft", options->soft, "Keep it as stale");
  command->add_option("--admin", options->admin, "The node's admin API")->capture_default_str();
  command->add_option("--token", options->token, "The node's token")->envname("CUSP_ADMIN_TOKEN");
  command->add_option("--state-dir", options->state_directory,
                      "The node's state folder, for its token");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return purge(*options); }; });
}

}  // namespace cusp::cli
