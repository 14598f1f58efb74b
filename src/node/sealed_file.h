#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "edge/auth/seal.h"

// What a node keeps in its state folder and nobody else may read.
namespace cusp::node {

// The key is CUSP_SECRETS_KEY, or what the file says that CUSP_SECRETS_KEY_FILE names, or
// `secrets.key` in the state folder, which is made when it is missing. Blocking. Errors: those of
// the files, and kInvalidArgument for a key that can be guessed.
Result<edge::Sealer> open_sealer(const std::string& state_directory);

// Texts that were sealed, by their names.
using Sealed = std::map<std::string, std::string>;

// A JSON file of such texts: {"version": 1, MEMBER: {name: text}}. Blocking. Several processes may
// use it at once: a change waits for the ones before it. Errors: those of the file, and kDataLoss
// (it was not written here).
class SealedFile {
 public:
  // `folder` is made when something is written; its files are locked together.
  SealedFile(std::string folder, const std::string& name, std::string member)
      : folder_(std::move(folder)), path_(folder_ + "/" + name), member_(std::move(member)) {}

  const std::string& path() const { return path_; }
  // Empty when there is no file.
  Result<Sealed> read() const;
  // Reads, changes and replaces the file; when `how` fails it stays what it was.
  Result<> change(const std::function<Result<>(Sealed&)>& how) const;

 private:
  const std::string folder_;
  const std::string path_;
  const std::string member_;
};

}  // namespace cusp::node
