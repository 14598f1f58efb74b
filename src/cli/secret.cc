#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <iostream>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/dotenv.h"
#include "cli/command.h"
#include "node/node.h"
#include "node/secret_store.h"

namespace cusp::cli {

namespace {

constexpr size_t kTypedBytesMax = 8 * 1024;

struct SecretOptions {
  std::string app;
  std::string name;
  std::string file;
  bool json = false;
  std::string state_directory;
};

constexpr const char* kFooter = R"(Examples:
  cusp secret set shop api_key                   (asks for the value)
  openssl rand -hex 32 | cusp secret set shop session_key
  cusp secret import shop production.env
  cusp secret list shop

A secret is the value of one of the application's variables. A node takes it when it is started or
told to reload (SIGHUP). It is kept in the node's state folder, sealed with the key of that folder,
or the one that CUSP_SECRETS_KEY or CUSP_SECRETS_KEY_FILE gives; the node needs the same.
Exit codes: 0 done; 2 a name or value is wrong; 3 there is no such secret; 1 the key is another.)";

// From a person a line, from a program all that it says, without the line break at its end.
Result<std::string> read_value(const std::string& name) {
  std::string value;
  if (::isatty(STDIN_FILENO) != 0) {
    // OpenSSL's prompt shows nothing of what is typed, and mends the terminal after a signal.
    std::array<char, kTypedBytesMax> typed;
    const std::string prompt = fmt::format("Value of {}: ", name);
    if (::EVP_read_pw_string(typed.data(), typed.size(), prompt.c_str(), 0) == 0) {
      value = typed.data();
    }
    ::OPENSSL_cleanse(typed.data(), typed.size());
  } else {
    for (char c; value.size() <= node::kSecretBytesMax + 1 && std::cin.get(c);) value += c;
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
  }
  if (!value.empty()) return value;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("no value came on standard input for '{}'", name));
}

Result<node::SecretStore> open(const SecretOptions& options) {
  const std::string& folder = options.state_directory;
  return node::SecretStore::open(folder.empty() ? node::default_state_directory() : folder);
}

Result<> set(const SecretOptions& options) {
  CUSP_TRY(node::SecretStore secrets, open(options));
  CUSP_TRY(const std::string value, read_value(options.name));
  CUSP_CHECK(secrets.set(options.app, options.name, value));
  fmt::print("the secret '{}' of '{}' is set\n", options.name, options.app);
  return {};
}

Result<> import_file(const SecretOptions& options) {
  CUSP_TRY(node::SecretStore secrets, open(options));
  if (::access(options.file.c_str(), R_OK) != 0) {
    return fail(ErrorCode::kNotFound, "there is no such file that can be read", options.file);
  }
  CUSP_TRY(const auto values, app::read_dotenv(options.file));
  for (const auto& [key, value] : values) {
    std::string name = key;
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CUSP_CHECK(secrets.set(options.app, name, value));
  }
  fmt::print("{} {} of '{}' set\n", values.size(), values.size() == 1 ? "secret" : "secrets",
             options.app);
  return {};
}

Result<> list(const SecretOptions& options) {
  CUSP_TRY(const node::SecretStore secrets, open(options));
  CUSP_TRY(const auto names, secrets.names(options.app));
  if (options.json) {
    fmt::print("{}\n", nlohmann::json(names).dump());
    return {};
  }
  for (const auto& name : names) fmt::print("{}\n", name);
  return {};
}

Result<> remove(const SecretOptions& options) {
  CUSP_TRY(node::SecretStore secrets, open(options));
  CUSP_CHECK(secrets.remove(options.app, options.name));
  fmt::print("the secret '{}' of '{}' is deleted\n", options.name, options.app);
  return {};
}

}  // namespace

void add_secret(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<SecretOptions>();  // shared: with the callbacks and the flags
  CLI::App* command =
      app.add_subcommand("secret", "Keep values that an application's manifest must not show");
  command->require_subcommand(1);
  command->footer(kFooter);
  const auto add = [&](const char* verb, const char* what, Result<> (*run)(const SecretOptions&)) {
    CLI::App* sub = command->add_subcommand(verb, what);
    sub->add_option("app", options->app, "The application's name")->required();
    sub->add_option("--state-dir", options->state_directory, "The node's state folder");
    sub->callback([options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
    return sub;
  };
  const char* const variable = "The variable whose value it is";
  add("set", "Set a secret; its value is asked for, or read from standard input", set)
      ->add_option("name", options->name, variable)
      ->required();
  add("import", "Set one for each line NAME=value of a .env file", import_file)
      ->add_option("file", options->file, "The file")
      ->required();
  add("list", "Print the names of an application's secrets", list)
      ->add_flag("--json", options->json, "As a JSON array");
  add("delete", "Delete a secret", remove)->add_option("name", options->name, variable)->required();
}

}  // namespace cusp::cli
