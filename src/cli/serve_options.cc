#include "cli/serve_options.h"

#include <filesystem>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/terminal.h"
#include "node/config.h"

namespace cusp::cli {

void add_serve_options(CLI::App& command, ServeOptions& options) {
  command
      .add_option(
          "path", options.path,
          "A component (.wasm, .wat), a manifest (cusp.toml, spin.toml) or a folder with one")
      ->capture_default_str();
  command.add_option("--listen", options.listen, "Address and port; port 0 takes any free one")
      ->capture_default_str();
  command
      .add_option("--state-dir", options.state_directory,
                  "Where compiled components and keys are kept")
      ->default_str(node::default_state_directory());
  command.add_option("--stores-dir", options.stores_directory,
                     "Where apps' key-value stores and databases are kept (default: .cusp/stores "
                     "beside the manifest)");
  command.add_option("--tls-cert", options.tls_certificate,
                     "Serve HTTPS with this certificate chain (PEM)");
  command.add_option("--tls-key", options.tls_key, "Its key (PEM)");
  command.add_option("--profile", options.profile, "The manifest's profile to use");
  command.add_option("--runtime-config", options.runtime_config, "A runtime-config.toml");
  command.add_option("--variable", options.variables, "Set an application variable: name=value");
  command.add_option("--shards", options.shards, "Threads that serve; 0: one for each core")
      ->capture_default_str();
  command
      .add_option("--reuse", options.reuse_requests,
                  "Requests that an instance serves before a fresh one takes over; 1: a fresh "
                  "instance for each request")
      ->capture_default_str();
  command.add_option("--access-log", options.access_log,
                     "Write a line of JSON for each request to this file; '-' is standard output");
  command.add_option("--admin", options.admin,
                     "Answer operators' tools (metrics, health) at this address and port");
  command.add_option("--s3", options.s3,
                     "Serve the app's object stores as S3 does at this address and port");
  command.add_option(
      "--data", options.data,
      "Where programs with a token reach the app's stores (docs/formats/data-api.md)");
  command.add_flag("--server-timing", options.server_timing,
                   "Tell in a Server-Timing field what each step of a request took");
}

std::string app_stores_directory(const std::string& app) {
  const std::filesystem::path path = std::filesystem::absolute(app);
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(path, ignored);
  return (folder ? path : path.parent_path()) / ".cusp" / "stores";
}

Result<node::NodeOptions> to_node_options(const ServeOptions& options) {
  node::NodeOptions result;
  auto listen = node::parse_listen(options.listen);
  if (!listen) return fail(listen.error().code, "--listen: " + listen.error().message);
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--tls-cert and --tls-key go together");
  }
  if (!options.tls_certificate.empty())
    listen->certificates.push_back({options.tls_certificate, options.tls_key});
  result.listen.push_back(std::move(*listen));

  const auto plain = [](const std::string& text, const char* flag,
                        std::optional<node::Listen>& where) -> Result<> {
    if (text.empty()) return {};
    auto parsed = node::parse_listen(text);
    if (!parsed)
      return fail(parsed.error().code, fmt::format("{}: {}", flag, parsed.error().message));
    where = std::move(*parsed);
    return {};
  };
  CUSP_CHECK(plain(options.admin, "--admin", result.admin));
  CUSP_CHECK(plain(options.data, "--data", result.data));
  std::optional<node::Listen> s3;
  CUSP_CHECK(plain(options.s3, "--s3", s3));
  if (s3) result.s3 = {.listen = std::move(*s3)};
  result.access_log = options.access_log;
  result.server_timing = options.server_timing;
  result.from = options.from;

  node::AppSource source{
      .path = options.path, .profile = options.profile, .runtime_config = options.runtime_config};
  if (options.reuse_requests > 1) source.reuse = app::Reuse{.requests = options.reuse_requests};
  for (const auto& variable : options.variables) {
    const size_t equals = variable.find('=');
    if (equals == variable.npos || equals == 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--variable: '{}' is not name=value", variable));
    }
    source.variables[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  result.apps.push_back(std::move(source));
  result.state_directory =
      options.state_directory.empty() ? node::default_state_directory() : options.state_directory;
  result.stores_directory = options.stores_directory.empty() ? app_stores_directory(options.path)
                                                             : options.stores_directory;
  result.shards = options.shards;
  result.progress = [](const std::string& message) { print_progress(message); };
  return result;
}

void print_urls(const node::Node& node) {
  for (const auto& url : node.urls()) fmt::print("listening on {}\n", url);
  if (const auto url = node.admin_url(); !url.empty()) fmt::print("admin API on {}\n", url);
  if (const auto url = node.s3_url(); !url.empty()) fmt::print("S3 on {}\n", url);
  if (const auto url = node.data_url(); !url.empty()) fmt::print("data API on {}\n", url);
  std::fflush(stdout);
}

void run_until_signal(node::Node& node, Signals& signals, const std::function<void()>& hangup) {
  while (signals.wait() == SIGHUP) hangup();
  print_progress("stopping: requests in flight may finish");
  signals.release();
  node.stop();
}

}  // namespace cusp::cli
