#include "edge/auth/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/assert.h"

namespace cusp::edge {

namespace {

constexpr size_t kSecretFileBytesMax = 64 * 1024;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> read_environment(const Value& value, const std::string& name) {
  const char* text = std::getenv(name.c_str());
  if (text != nullptr && *text != '\0') return text;
  value.error(fmt::format("the environment variable '{}' is not set", name));
  return std::nullopt;
}

std::optional<std::string> read_secret_file(const Value& value, const std::string& path) {
  auto text = read_text_file(path, kSecretFileBytesMax);
  if (!text) {
    value.error(text.error().to_string());
    return std::nullopt;
  }
  text->erase(text->find_last_not_of(" \t\r\n") + 1);
  return std::move(*text);
}

}  // namespace

std::optional<std::string> read_secret(const Value& value, const std::string& directory) {
  std::optional<std::string> secret;
  if (value.is_string()) {
    secret = value.string();
  } else if (auto table = value.table("a secret")) {
    const auto variable = table->string("env");
    const auto file = table->string("file");
    table->finish();
    if (variable.has_value() == file.has_value()) {
      value.error("a secret is a text, { env = \"NAME\" } or { file = \"path\" }");
      return std::nullopt;
    }
    secret = variable ? read_environment(value, *variable)
                      : read_secret_file(value, std::filesystem::path(directory) / *file);
  }
  if (secret && secret->empty()) {
    value.error("a secret must not be empty");
    return std::nullopt;
  }
  return secret;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string sha256(std::string_view data) {
  std::string digest(32, '\0');
  unsigned size = 0;
  ::EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
               ::EVP_sha256(), nullptr);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string digest(32, '\0');
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(data), data.size(),
         reinterpret_cast<unsigned char*>(digest.data()), &size);
  return digest;
}

std::string random_bytes(size_t count) {
  std::string text(count, '\0');
  const int done =
      ::RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(count));
  CUSP_ASSERT(done == 1);  // without randomness, nothing here is safe
  return text;
}

}  // namespace cusp::edge
