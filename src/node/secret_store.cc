#include "node/secret_store.h"

#include <functional>
#include <map>

#include <fmt/format.h>

#include "app/identifiers.h"
#include "node/sealed_file.h"

namespace cusp::node {

namespace {

constexpr size_t kAppBytesMax = 128;

// Names become names of files, and messages.
bool is_app(const std::string& app) {
  return !app.empty() && app.size() <= kAppBytesMax && app[0] != '.' &&
         app.find_first_of(std::string_view("/\0\n", 3)) == app.npos;
}

std::string purpose_of(const std::string& app, const std::string& name) {
  return fmt::format("secret\n{}\n{}", app, name);
}

}  // namespace

struct SecretStore::State {
  std::string state_directory;
  edge::Sealer sealer;

  SealedFile file(const std::string& app) const {
    return {state_directory + "/secrets", app + ".json", "secrets"};
  }

  Result<Sealed> read(const std::string& app) const {
    if (!is_app(app)) return Sealed();  // nothing can have been set
    return file(app).read();
  }

  Result<> change(const std::string& app, const std::function<Result<>(Sealed&)>& how) const {
    if (is_app(app)) return file(app).change(how);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not the name of an application", app));
  }
};

SecretStore::SecretStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SecretStore::~SecretStore() = default;
SecretStore::SecretStore(SecretStore&&) noexcept = default;

Result<SecretStore> SecretStore::open(std::string state_directory) {
  CUSP_TRY(edge::Sealer sealer, open_sealer(state_directory));
  return SecretStore(std::make_unique<State>(
      State{.state_directory = std::move(state_directory), .sealer = std::move(sealer)}));
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
      return fail(ErrorCode::kDataLoss,
                  fmt::format("the secret '{}' was sealed with another key, or was changed; set "
                              "CUSP_SECRETS_KEY to the key it was set with, or set it again",
                              name),
                  state_->file(app).path());
    }
    values.emplace(name, std::move(*value));
  }
  return app::make_map_provider(std::move(values));
}

}  // namespace cusp::node
