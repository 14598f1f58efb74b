#include "node/secret_file.h"

#include <openssl/rand.h>

#include <fmt/format.h>

#include "base/file.h"

namespace cusp::node {

namespace {

constexpr size_t kTokenBytes = 32;

Result<std::string> random_bytes(size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    return fail(ErrorCode::kUnavailable, "the system has no random numbers to give");
  }
  return bytes;
}

}  // namespace

Result<std::string> load_secret(const std::string& path, size_t bytes) {
  if (auto secret = read_file(path); secret && secret->size() == bytes) return secret;
  CUSP_TRY(const std::string secret, random_bytes(bytes));
  CUSP_CHECK(write_file(path, secret, 0600));
  return read_file(path);
}

Result<std::string> load_token(const std::string& path) {
  if (auto token = read_file(path); token && token->size() == 2 * kTokenBytes) return token;
  CUSP_TRY(const std::string bytes, random_bytes(kTokenBytes));
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  CUSP_CHECK(write_file(path, token, 0600));
  return read_file(path);
}

}  // namespace cusp::node
