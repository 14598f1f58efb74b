#include "node/artifact_store.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "node/digest.h"
#include "node/secret_file.h"

namespace cusp::node {

namespace {

constexpr size_t kKeyBytes = 32;

}  // namespace

Result<std::unique_ptr<ArtifactStore>> ArtifactStore::open(const std::string& directory,
                                                           const engine::Engine& engine) {
  std::error_code error;
  const auto artifacts = std::filesystem::path(directory) / "artifacts";
  std::filesystem::create_directories(artifacts, error);
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot create the state folder: {}; choose another with --state-dir",
                            error.message()),
                directory);
  }
  std::filesystem::permissions(artifacts, std::filesystem::perms::owner_all, error);
  CUSP_TRY(std::string key, load_secret(directory + "/node.key", kKeyBytes));
  return std::unique_ptr<ArtifactStore>(
      new ArtifactStore(artifacts.string(), std::move(key), engine));
}

ArtifactStore::ArtifactStore(std::string directory, std::string key, const engine::Engine& engine)
    : directory_(std::move(directory)),
      key_(std::move(key)),
      fingerprint_(engine.fingerprint()),
      engine_(engine) {}

std::string ArtifactStore::mac(std::string_view artifact_name, std::string_view bytes) const {
  // The name is part of what is authenticated: one valid artifact cannot stand in for another.
  const std::string digest = sha256_hex({artifact_name, bytes});
  unsigned char tag[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(digest.data()), digest.size(), tag, &size);
  return std::string(reinterpret_cast<char*>(tag), size);
}

bool ArtifactStore::verify(const std::string& path) const {
  const auto bytes = read_file(path);
  const auto tag = read_file(path + ".mac");
  if (!bytes || !tag) return false;
  const std::string expected = mac(std::filesystem::path(path).filename().string(), *bytes);
  return tag->size() == expected.size() &&
         CRYPTO_memcmp(tag->data(), expected.data(), expected.size()) == 0;
}

Result<std::string> ArtifactStore::get(std::string_view source,
                                       const std::function<Result<std::string>()>& make,
                                       const std::function<void(size_t bytes)>& compiling) {
  const std::string name = sha256_hex({source, fingerprint_}) + ".cwasm";
  const std::string path = directory_ + "/" + name;
  if (verify(path)) return path;
  CUSP_TRY(const std::string component, make());
  compiling(component.size());
  CUSP_TRY(const std::string artifact, engine_.compile(component));
  CUSP_CHECK(write_file(path, artifact, 0600));
  CUSP_CHECK(write_file(path + ".mac", mac(name, artifact), 0600));
  return path;
}

}  // namespace cusp::node
