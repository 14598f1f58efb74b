#include "node/secret_file.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include "base/descriptor.h"
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

// What the file holds when that is `size` bytes long; else what `make` makes goes into it. One at a
// time: who comes second finds what the first has made.
Result<std::string> load(const std::string& path, size_t size,
                         const std::function<Result<std::string>()>& make) {
  if (auto found = read_file(path); found && found->size() == size) return found;
  const Descriptor lock(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) {
    return fail(ErrorCode::kUnavailable, std::string("cannot be made: ") + std::strerror(errno),
                path);
  }
  if (auto found = read_file(path); found && found->size() == size) return found;
  CUSP_TRY(std::string made, make());
  CUSP_CHECK(write_file(path, made, 0600));
  return made;
}

}  // namespace

Result<std::string> load_secret(const std::string& path, size_t bytes) {
  return load(path, bytes, [bytes] { return random_bytes(bytes); });
}

Result<std::string> load_token(const std::string& path) {
  return load(path, 2 * kTokenBytes, []() -> Result<std::string> {
    CUSP_TRY(const std::string bytes, random_bytes(kTokenBytes));
    std::string token;
    for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
    return token;
  });
}

}  // namespace cusp::node
