#include "edge/cache/disk_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace cusp::edge::cache {

// ---- File

File::File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags, 0600)) {}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

bool File::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor_, bytes.data(), bytes.size());
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

bool File::write_at(uint64_t at, std::string_view bytes) {
  const ssize_t size = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
  return size == static_cast<ssize_t>(bytes.size());
}

std::optional<std::string> File::read_at(uint64_t at, size_t size) const {
  std::string bytes(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t got =
        ::pread(descriptor_, bytes.data() + done, size - done, static_cast<off_t>(at + done));
    if (got <= 0) return std::nullopt;
    done += static_cast<size_t>(got);
  }
  return bytes;
}

uint64_t File::size() const {
  struct stat info = {};
  return ::fstat(descriptor_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// ---- reading

std::optional<FileHead> read_head(const File& file) {
  const auto bytes = file.read_at(0, FileHeader::kBytes);
  const auto header = bytes ? decode_header(*bytes) : std::nullopt;
  // The sizes are believed only when they add up to what is there.
  const uint64_t size = file.size();
  if (!header || header->content_bytes > size || header->file_bytes() != size) return std::nullopt;
  const uint64_t digests_bytes = FileHeader::digests_bytes(header->content_bytes);
  auto tail =
      file.read_at(FileHeader::kBytes + header->content_bytes, header->meta_bytes + digests_bytes);
  if (!tail || digest_of(*tail) != header->tail_digest) return std::nullopt;
  auto object = decode_meta(std::string_view(*tail).substr(0, header->meta_bytes));
  if (!object) return std::nullopt;
  object->content.size = header->content_bytes;
  return FileHead{*header, std::move(*object), tail->substr(header->meta_bytes)};
}

std::optional<std::string> read_chunk(const File& file, uint64_t content_bytes,
                                      std::string_view digests, uint64_t chunk) {
  const uint64_t at = chunk * FileHeader::kChunkBytes;
  const uint64_t size = std::min<uint64_t>(FileHeader::kChunkBytes, content_bytes - at);
  auto bytes = file.read_at(FileHeader::kBytes + at, size);
  if (!bytes) return std::nullopt;
  const auto expected = digests.substr(chunk * Digest::kBytes, Digest::kBytes);
  return digest_of(*bytes) == expected ? std::move(bytes) : std::nullopt;
}

// ---- writing

ObjectFileWriter::ObjectFileWriter(std::string path, std::string temporary)
    : path_(std::move(path)), temporary_(std::move(temporary)) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  file_.emplace(temporary_, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
  taken_ = !*file_ && errno == EEXIST;
  // The header is written last: until then there is nothing that could be believed.
  good_ = *file_ && file_->write(std::string(FileHeader::kBytes, '\0'));
}

ObjectFileWriter::~ObjectFileWriter() {
  if (*file_ && !finished_) ::unlink(temporary_.c_str());
}

bool ObjectFileWriter::append(std::string_view bytes) {
  good_ = good_ && file_->write(bytes);
  while (good_ && !bytes.empty()) {
    if (!chunk_) chunk_.emplace();
    const uint64_t room = FileHeader::kChunkBytes - content_bytes_ % FileHeader::kChunkBytes;
    const std::string_view piece = bytes.substr(0, room);
    chunk_->add(piece);
    content_bytes_ += piece.size();
    bytes.remove_prefix(piece.size());
    if (piece.size() < room) break;
    digests_ += chunk_->finish();
    chunk_.reset();
  }
  return good_;
}

bool ObjectFileWriter::finish(const Object& object) {
  if (chunk_) digests_ += chunk_->finish();
  const std::string meta = encode_meta(object);
  const std::string tail = meta + digests_;
  FileHeader header;
  header.meta_bytes = static_cast<uint32_t>(meta.size());
  header.content_bytes = content_bytes_;
  header.tail_digest = digest_of(tail);
  file_bytes_ = header.file_bytes();
  good_ = good_ && file_->write(tail) && file_->write_at(0, encode(header)) &&
          ::rename(temporary_.c_str(), path_.c_str()) == 0;
  finished_ = good_;
  return good_;
}

}  // namespace cusp::edge::cache
