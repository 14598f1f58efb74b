#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/variables.h"
#include "base/result.h"

namespace cusp::node {

// The secrets of a node's applications: values of their variables that stand in no manifest. Each
// application has a file in the state folder, `secrets/APP.json`, in which every value is sealed
// with AES-256-GCM for that application and that name; who copies a value elsewhere cannot open it
// there. The key is CUSP_SECRETS_KEY, or what the file says that CUSP_SECRETS_KEY_FILE names, or
// `secrets.key` in the state folder, which is made when it is missing. Values are in no message.
//
// Blocking. Several processes may use the folder at once: a change waits for the ones before it.
// Errors: those of the files, kInvalidArgument (a name that is none), kDataLoss (a file that was
// not written here, or with another key).
class SecretStore {
 public:
  static Result<SecretStore> open(std::string state_directory);
  // The file of an application, which need not be there.
  static std::string file_of(const std::string& state_directory, const std::string& app);
  ~SecretStore();
  SecretStore(SecretStore&&) noexcept;

  // `name` is a variable's.
  Result<> set(const std::string& app, const std::string& name, std::string_view value);
  // kNotFound: there is none.
  Result<> remove(const std::string& app, const std::string& name);
  // In the order of their names.
  Result<std::vector<std::string>> names(const std::string& app) const;
  // All of an application's, opened once. An application without secrets has an empty provider.
  Result<std::unique_ptr<app::VariableProvider>> provider(const std::string& app) const;

 private:
  struct State;
  explicit SecretStore(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

inline constexpr size_t kSecretBytesMax = 64 * 1024;  // of one value

}  // namespace cusp::node
