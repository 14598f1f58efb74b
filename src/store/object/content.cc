#include "store/object/content.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "store/folder.h"
#include "store/object/checksum.h"

namespace cusp::store::object {

namespace {

namespace fs = std::filesystem;

// A range is checked block by block, without the rest of its content (decision 015).
constexpr uint64_t kBlockBytes = 64 * limits::kKiB;
constexpr uint64_t kSealBytes = SHA256_DIGEST_LENGTH;

std::unexpected<Error> system_error(const char* what, const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
              fmt::format("cannot {} an object's content: {}", what, std::strerror(errno)), path);
}

std::unexpected<Error> damaged(const ContentId& id) {
  return fail(ErrorCode::kDataLoss,
              "the content of an object is not what was written; restore it from a backup",
              id.digest);
}

bool is_digest(std::string_view text) {
  return text.size() == 2 * SHA256_DIGEST_LENGTH &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string finished(EVP_MD_CTX* digest) {
  std::string bytes(SHA256_DIGEST_LENGTH, '\0');
  EVP_DigestFinal_ex(digest, reinterpret_cast<unsigned char*>(bytes.data()), nullptr);
  return bytes;
}

// What stands before a block in its file. Its number is part of it: a block in the place of
// another is damage too.
std::string seal(uint64_t block, std::string_view bytes) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  std::array<unsigned char, sizeof(block)> number;
  for (auto& byte : number) {
    byte = static_cast<unsigned char>(block);
    block >>= 8;
  }
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(digest.get(), number.data(), number.size());
  EVP_DigestUpdate(digest.get(), bytes.data(), bytes.size());
  return finished(digest.get());
}

uint64_t file_bytes(uint64_t size) {
  return size + (size + kBlockBytes - 1) / kBlockBytes * kSealBytes;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

// False: an error, or the file ends before.
bool read_all(int file, char* to, size_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(file, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
    offset += static_cast<uint64_t>(got);
  }
  return true;
}

}  // namespace

Pin::Pin(Contents& contents, std::string digest) : contents_(contents), digest_(std::move(digest)) {
  std::lock_guard guard(contents_.mutex_);
  ++contents_.pins_[digest_];
  contents_.condemned_.erase(digest_);
}

Pin::~Pin() {
  std::lock_guard guard(contents_.mutex_);
  if (--contents_.pins_[digest_] == 0) contents_.pins_.erase(digest_);
}

Writer::Writer(Contents& contents, Descriptor file, std::string path)
    : contents_(contents),
      file_(std::move(file)),
      path_(std::move(path)),
      digest_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
}

Writer::~Writer() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<> Writer::append(std::string_view bytes) {
  if (bytes.size() > limits::kObjectBytesMax - size_) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("an object may have {} bytes, and this has more", limits::kObjectBytesMax));
  }
  size_ += bytes.size();
  EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
  while (!bytes.empty()) {
    const size_t fits = std::min<size_t>(bytes.size(), kBlockBytes - block_.size());
    block_ += bytes.substr(0, fits);
    bytes.remove_prefix(fits);
    if (block_.size() == kBlockBytes) CUSP_CHECK(write_block());
  }
  return {};
}

Result<> Writer::write_block() {
  if (!write_all(file_, seal(blocks_, block_)) || !write_all(file_, block_)) {
    return system_error("write", path_);
  }
  ++blocks_;
  block_.clear();
  return {};
}

// A file that is there already is replaced and not trusted: it may be damaged.
Result<Stored> Writer::finish() {
  if (!block_.empty()) CUSP_CHECK(write_block());
  Stored stored{.id = {.digest = hex(finished(digest_.get())), .size = size_}};
  if (::fsync(file_) != 0) return system_error("write", path_);
  const std::string target = contents_.path(stored.id.digest);
  const std::string folder = fs::path(target).parent_path();
  CUSP_CHECK(make_folder(folder));
  stored.pin = std::make_unique<Pin>(contents_, stored.id.digest);
  if (::rename(path_.c_str(), target.c_str()) != 0) return system_error("name", target);
  path_.clear();
  CUSP_CHECK(sync_folder(folder));
  return stored;
}

Result<std::string> Reader::read(uint64_t offset, uint64_t most) const {
  if (offset >= id_.size || most == 0) return std::string();
  const uint64_t block = offset / kBlockBytes;
  const uint64_t begin = block * kBlockBytes;
  std::string bytes(kSealBytes + std::min(kBlockBytes, id_.size - begin), '\0');
  errno = 0;
  if (!read_all(file_, bytes.data(), bytes.size(), begin + block * kSealBytes)) {
    // The disk knows of damage of its own.
    if (errno == 0 || errno == EIO) return damaged(id_);
    return system_error("read", id_.digest);
  }
  const auto content = std::string_view(bytes).substr(kSealBytes);
  if (seal(block, content) != std::string_view(bytes).substr(0, kSealBytes)) return damaged(id_);
  return std::string(content.substr(offset - begin, most));
}

Result<std::unique_ptr<Contents>> Contents::open(std::string directory) {
  const std::string unfinished = directory + "/unfinished";
  CUSP_CHECK(make_folder(unfinished));
  std::error_code error;
  std::vector<fs::path> left;
  for (fs::directory_iterator at(unfinished, error), end; !error && at != end;
       at.increment(error)) {
    left.push_back(at->path());
  }
  for (const auto& path : left) {
    if (!error) fs::remove(path, error);
  }
  if (error) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot clear a folder: {}", error.message()),
                unfinished);
  }
  return std::unique_ptr<Contents>(new Contents(std::move(directory)));
}

std::string Contents::path(const std::string& digest) const {
  return fmt::format("{}/{}/{}", directory_, digest.substr(0, 2), digest);
}

Result<std::unique_ptr<Writer>> Contents::write() {
  std::string path = directory_ + "/unfinished/XXXXXX";
  Descriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (file < 0) return system_error("write", path);
  return std::make_unique<Writer>(*this, std::move(file), std::move(path));
}

Result<Reader> Contents::read(const ContentId& id) const {
  if (!is_digest(id.digest) || id.size > limits::kObjectBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "this does not name the content of an object");
  }
  Descriptor file(::open(path(id.digest).c_str(), O_RDONLY | O_CLOEXEC));
  if (file < 0 && errno != ENOENT) return system_error("open", id.digest);
  struct stat status;
  if (file < 0 || ::fstat(file, &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<uint64_t>(status.st_size) != file_bytes(id.size)) {
    return damaged(id);
  }
  return Reader(std::move(file), id);
}

Result<bool> Contents::remove_unused(const std::string& digest, const Referenced& referenced) {
  if (!is_digest(digest)) {
    return fail(ErrorCode::kInvalidArgument, "this does not name the content of an object");
  }
  uint64_t removal = 0;
  {
    std::lock_guard guard(mutex_);
    removal = ++removals_;
    if (pins_.contains(digest) || !condemned_.emplace(digest, removal).second) return false;
  }
  const auto used = referenced(digest);
  std::lock_guard guard(mutex_);
  // Whoever pinned it meanwhile may have referred to it after the question was answered; then it
  // is not condemned any more, or again by a removal that asked later.
  const auto condemned = condemned_.find(digest);
  if (condemned == condemned_.end() || condemned->second != removal) return false;
  condemned_.erase(condemned);
  if (!used) return std::unexpected(used.error());
  if (*used) return false;
  if (::unlink(path(digest).c_str()) == 0) return true;
  if (errno != ENOENT) return system_error("remove", digest);
  return false;
}

Result<size_t> Contents::sweep(const Referenced& referenced) {
  size_t removed = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    if (!is_digest(name)) continue;
    CUSP_TRY(const bool gone, remove_unused(name, referenced));
    removed += gone ? 1 : 0;
  }
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot look through the objects: {}", error.message()), directory_);
  }
  return removed;
}

Result<> Contents::link_all(const std::string& directory) const {
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    if (!is_digest(name)) continue;
    const fs::path folder = fs::path(directory) / name.substr(0, 2);
    fs::create_directories(folder, error);
    if (!error) fs::create_hard_link(at->path(), folder / name, error);
    if (error == std::errc::no_such_file_or_directory) error.clear();
  }
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot link the objects: {}", error.message()), directory);
  }
  return {};
}

}  // namespace cusp::store::object
