#include "node/secret_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/identifiers.h"
#include "base/descriptor.h"
#include "base/file.h"
#include "edge/auth/seal.h"
#include "node/secret_file.h"

namespace cusp::node {

namespace {

using nlohmann::json;
using Sealed = std::map<std::string, std::string>;  // by name

constexpr size_t kKeyBytes = 32;
constexpr size_t kKeyBytesMin = 16;  // of a key that somebody has chosen
constexpr size_t kAppBytesMax = 128;
constexpr int kFormat = 1;

// White space at its end belongs to the file, not to the key.
std::string without_trailing_space(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

Result<std::string> chosen_key(std::string key, const char* where) {
  key = without_trailing_space(std::move(key));
  if (key.size() >= kKeyBytesMin) return key;
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("the key of secrets has {} bytes; it needs {} that nobody can guess, such "
                  "as `openssl rand -hex 32` prints",
                  key.size(), kKeyBytesMin),
      where);
}

Result<std::string> read_key(const std::string& state_directory) {
  if (const char* key = std::getenv("CUSP_SECRETS_KEY")) return chosen_key(key, "CUSP_SECRETS_KEY");
  if (const char* path = std::getenv("CUSP_SECRETS_KEY_FILE")) {
    CUSP_TRY(std::string key, read_file(path));
    return chosen_key(std::move(key), path);
  }
  return load_secret(state_directory + "/secrets.key", kKeyBytes);
}

// Names become names of files, and messages.
Result<> check_app(const std::string& app) {
  const bool plain = !app.empty() && app.size() <= kAppBytesMax && app[0] != '.' &&
                     app.find_first_of(std::string_view("/\0\n", 3)) == app.npos;
  if (plain) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is not the name of an application", app));
}

Result<> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  const auto code = errno == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable;
  return fail(code, "the folder cannot be made", path);
}

std::string purpose_of(const std::string& app, const std::string& name) {
  return fmt::format("secret\n{}\n{}", app, name);
}

std::unexpected<Error> damaged(const std::string& path, std::string what) {
  return fail(ErrorCode::kDataLoss, std::move(what), path);
}

}  // namespace

struct SecretStore::State {
  std::string state_directory;
  edge::Sealer sealer;

  std::string path_of(const std::string& app) const { return file_of(state_directory, app); }

  Result<Sealed> read(const std::string& app) const {
    if (!check_app(app)) return Sealed();  // nothing can have been set
    const std::string path = path_of(app);
    const auto text = read_file(path);
    if (!text && text.error().code == ErrorCode::kNotFound) return Sealed();
    if (!text) return std::unexpected(text.error());
    const json file = json::parse(*text, nullptr, false);
    const auto secrets = file.is_object() ? file.find("secrets") : file.end();
    if (!file.is_object() || secrets == file.end() || !secrets->is_object() ||
        file.value("version", json()) != json(kFormat)) {
      return damaged(path, "this is no file of secrets that this version knows");
    }
    Sealed sealed;
    for (const auto& [name, value] : secrets->items()) {
      if (!value.is_string()) return damaged(path, fmt::format("'{}' is not sealed", name));
      sealed[name] = value.get<std::string>();
    }
    return sealed;
  }

  // Reads, changes and replaces the file of an application; no other process does meanwhile.
  Result<> change(const std::string& app, const std::function<Result<>(Sealed&)>& how) const {
    CUSP_CHECK(check_app(app));
    const std::string folder = state_directory + "/secrets";
    CUSP_CHECK(make_folder(folder));
    const std::string path = folder + "/lock";
    const Descriptor lock(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    if (lock < 0 || ::flock(lock, LOCK_EX) != 0) {
      return fail(ErrorCode::kUnavailable, "the folder of secrets cannot be locked", path);
    }
    CUSP_TRY(Sealed sealed, read(app));
    CUSP_CHECK(how(sealed));
    const json file = {{"version", kFormat}, {"secrets", sealed}};
    return write_file(path_of(app), file.dump(1) + "\n", 0600);
  }
};

SecretStore::SecretStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SecretStore::~SecretStore() = default;
SecretStore::SecretStore(SecretStore&&) noexcept = default;

Result<SecretStore> SecretStore::open(std::string state_directory) {
  CUSP_TRY(const std::string key, read_key(state_directory));
  return SecretStore(std::make_unique<State>(
      State{.state_directory = std::move(state_directory), .sealer = edge::Sealer({key})}));
}

std::string SecretStore::file_of(const std::string& state_directory, const std::string& app) {
  return state_directory + "/secrets/" + app + ".json";
}

Result<> SecretStore::set(const std::string& app, const std::string& name, std::string_view value) {
  if (const std::string problem = app::check_variable_name(name); !problem.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}': {}", name, problem));
  }
  if (value.size() > kSecretBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the value has {} bytes; at most {} can be kept", value.size(),
                            kSecretBytesMax));
  }
  return state_->change(app, [&](Sealed& sealed) -> Result<> {
    sealed[name] = state_->sealer.seal(value, purpose_of(app, name));
    return {};
  });
}

Result<> SecretStore::remove(const std::string& app, const std::string& name) {
  return state_->change(app, [&](Sealed& sealed) -> Result<> {
    if (sealed.erase(name) > 0) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("the application '{}' has no secret '{}'", app, name));
  });
}

Result<std::vector<std::string>> SecretStore::names(const std::string& app) const {
  CUSP_TRY(const Sealed sealed, state_->read(app));
  std::vector<std::string> names;
  for (const auto& [name, value] : sealed) names.push_back(name);
  return names;
}

Result<std::unique_ptr<app::VariableProvider>> SecretStore::provider(const std::string& app) const {
  CUSP_TRY(const Sealed sealed, state_->read(app));
  std::map<std::string, std::string> values;
  for (const auto& [name, text] : sealed) {
    auto value = state_->sealer.open(text, purpose_of(app, name));
    if (!value) {
      return damaged(state_->path_of(app),
                     fmt::format("the secret '{}' was sealed with another key, or was changed; set "
                                 "CUSP_SECRETS_KEY to the key it was set with, or set it again",
                                 name));
    }
    values.emplace(name, std::move(*value));
  }
  return app::make_map_provider(std::move(values));
}

}  // namespace cusp::node
