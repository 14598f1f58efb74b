#include "cli/serve_options.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/terminal.h"

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
}

Result<node::Listen> parse_listen(const std::string& text) {
  const auto malformed = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--listen: '{}' is not ADDRESS:PORT, such as 127.0.0.1:3000 or [::1]:3000",
                    text));
  };
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return malformed();
  node::Listen listen;
  const char* first = text.data() + colon + 1;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, listen.port);
  if (error != std::errc() || end != last || first == last) return malformed();
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  if (address == "localhost") address = "127.0.0.1";
  if (!address.empty()) listen.address = address;
  return listen;
}

Result<node::NodeOptions> to_node_options(const ServeOptions& options) {
  node::NodeOptions result;
  CUSP_TRY(node::Listen listen, parse_listen(options.listen));
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--tls-cert and --tls-key go together");
  }
  if (!options.tls_certificate.empty())
    listen.certificates.push_back({options.tls_certificate, options.tls_key});
  result.listen.push_back(std::move(listen));

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
  result.shards = options.shards;
  result.progress = [](const std::string& message) { print_progress(message); };
  return result;
}

namespace {

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void block_signals() {
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void run_until_signal(node::Node& node) {
  for (const auto& url : node.urls()) fmt::print("listening on {}\n", url);
  std::fflush(stdout);
  const sigset_t signals = ending_signals();
  int received = 0;
  sigwait(&signals, &received);
  print_progress("stopping: requests in flight may finish");
  // A second signal does not wait for them.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  node.stop();
}

}  // namespace cusp::cli
