#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/core.h>

#include "base/descriptor.h"

namespace cusp {

namespace {

std::unexpected<Error> system_error(const char* what, const std::string& path) {
  const ErrorCode code = errno == ENOENT   ? ErrorCode::kNotFound
                         : errno == EACCES ? ErrorCode::kPermissionDenied
                                           : ErrorCode::kUnavailable;
  return fail(code, fmt::format("cannot {}: {}", what, std::strerror(errno)), path);
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (file < 0 || ::fstat(file, &status) != 0) return system_error("read", path);
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    return system_error("read", path);
  }
  std::string data;
  data.resize(static_cast<size_t>(status.st_size));
  size_t size = 0;
  while (true) {
    if (size == data.size()) data.resize(size + 4096);
    const ssize_t got = ::read(file, data.data() + size, data.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  data.resize(size);
  return data;
}

Result<> write_file(const std::string& path, std::string_view data, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file < 0) return system_error("write", path);
  const auto give_up = [&](const char* what) {
    auto error = system_error(what, path);
    ::unlink(temporary.c_str());
    return error;
  };
  while (!data.empty()) {
    const ssize_t wrote = ::write(file, data.data(), data.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return give_up("write");
    data.remove_prefix(static_cast<size_t>(wrote));
  }
  if (::fchmod(file, mode) != 0 || ::fdatasync(file) != 0) return give_up("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up("replace");
  return {};
}

}  // namespace cusp
