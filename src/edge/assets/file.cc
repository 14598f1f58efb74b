#include "edge/assets/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "base/base64.h"
#include "edge/cache/date.h"

namespace cusp::edge {

namespace {

using namespace std::chrono_literals;

// A larger file is named by its identity: reading it whole for a tag would take seconds.
constexpr uint64_t kHashedBytesMax = 64 * 1024 * 1024;
constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kTagBytes = 16;  // of a SHA-256: no two files meet by chance
// The clock of a file system ticks this coarsely at worst: two writes within a tick look like one.
constexpr auto kClockTick = 20ms;
constexpr int kAttemptsMax = 5;

std::unexpected<Error> system_error(const std::string& path) {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:  // it leads out of the root
    case ENAMETOOLONG:
    case EINVAL:
    case ENXIO: return fail(ErrorCode::kNotFound, "there is no such file", path);
    case EACCES: return fail(ErrorCode::kPermissionDenied, "the file may not be read", path);
    default: return fail(ErrorCode::kUnavailable, std::strerror(errno), path);
  }
}

int openat2_retrying(int folder, const char* path) {
  struct open_how how{};
  // Without O_NONBLOCK, opening a pipe would wait for somebody to write.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long file = ::syscall(SYS_openat2, folder, path, &how, sizeof(how));
    // EAGAIN: something was renamed meanwhile, and the kernel could not tell that ".." stays below.
    const bool again = errno == EAGAIN || errno == EINTR;
    if (file >= 0 || !again || attempt == kAttemptsMax) return static_cast<int>(file);
  }
}

// Reads the whole file, and keeps it in `content` unless that is null. The digest; nothing for a
// file that cannot be read or is not as long as `size`.
std::optional<std::array<unsigned char, EVP_MAX_MD_SIZE>> digest(int file, uint64_t size,
                                                                 std::string* content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::string buffer(std::min<uint64_t>(size + 1, kReadBytes), '\0');
  uint64_t at = 0;
  while (true) {
    const ssize_t got = ::pread(file, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(got));
    if (content != nullptr) content->append(buffer, 0, static_cast<size_t>(got));
    at += static_cast<uint64_t>(got);
    if (at > size) return std::nullopt;
  }
  EVP_DigestFinal_ex(context.get(), hash.data(), nullptr);
  return at == size ? std::optional(hash) : std::nullopt;
}

bool just_written(const FileIdentity& identity) {
  const auto modified =
      std::chrono::seconds(identity.modified_s) + std::chrono::nanoseconds(identity.modified_ns);
  const auto age = std::chrono::system_clock::now().time_since_epoch() - modified;
  return age >= 0s && age < kClockTick;
}

std::optional<FileIdentity> identify(int file) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return std::nullopt;
  return FileIdentity(status);
}

// Nothing when the file changed while it was read.
AssetPtr try_read_asset(int file, const FileIdentity& identity) {
  auto asset = std::make_shared<Asset>(identity);
  if (identity.size <= kHashedBytesMax) {
    std::string content;
    const bool keep = identity.size <= kAssetInMemoryBytesMax;
    const auto hash = digest(file, identity.size, keep ? &content : nullptr);
    if (!hash || identify(file) != identity) return nullptr;
    const std::string_view bytes(reinterpret_cast<const char*>(hash->data()), kTagBytes);
    asset->etag = fmt::format("\"{}\"", base64url_encode(bytes));
    if (keep) asset->content = std::make_shared<const std::string>(std::move(content));
  } else {
    asset->etag = fmt::format("\"{:x}-{:x}-{:x}{:09x}\"", identity.inode, identity.size,
                              identity.modified_s, identity.modified_ns);
  }
  asset->last_modified =
      cache::format_date(std::chrono::sys_seconds(std::chrono::seconds(identity.modified_s)));
  return asset;
}

}  // namespace

FileIdentity::FileIdentity(const struct stat& status)
    : device(status.st_dev),
      inode(status.st_ino),
      size(static_cast<uint64_t>(status.st_size)),
      modified_s(status.st_mtim.tv_sec),
      modified_ns(status.st_mtim.tv_nsec) {}

Result<OpenedFile> open_beneath(const std::string& root, const std::string& relative) {
  // Anew each time: a build may have put another folder in its place.
  const Descriptor folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder < 0) return system_error(root);
  OpenedFile opened{.descriptor = Descriptor(
                        openat2_retrying(folder, relative.empty() ? "." : relative.c_str()))};
  if (opened.descriptor < 0) return system_error(relative);
  if (::fstat(opened.descriptor, &opened.status) != 0) return system_error(relative);
  if (!S_ISREG(opened.status.st_mode) && !S_ISDIR(opened.status.st_mode)) {
    return fail(ErrorCode::kNotFound, "this is neither a file nor a folder", relative);
  }
  return opened;
}

Result<AssetPtr> read_asset(const Descriptor& file) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto identity = identify(file);
    if (!identity) break;
    if (just_written(*identity)) {
      std::this_thread::sleep_for(kClockTick);
      continue;
    }
    if (AssetPtr asset = try_read_asset(file, *identity)) return asset;
  }
  return fail(ErrorCode::kUnavailable, "the file is being written");
}

}  // namespace cusp::edge
