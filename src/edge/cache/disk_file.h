#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "edge/cache/object.h"
#include "edge/cache/object_codec.h"

namespace cusp::edge::cache {

// A file that closes itself. Its functions block; those that read may be called from any thread.
class File {
 public:
  File(const std::string& path, int flags);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;

  explicit operator bool() const { return descriptor_ >= 0; }
  bool write(std::string_view bytes);
  bool write_at(uint64_t at, std::string_view bytes);
  // Nothing when there are fewer bytes.
  std::optional<std::string> read_at(uint64_t at, size_t size) const;
  uint64_t size() const;

 private:
  int descriptor_;
};

// What a file holds beside the bytes of the content.
struct FileHead {
  FileHeader header;
  Object object;        // with content.size alone
  std::string digests;  // of the content's chunks
};
// Nothing when it is not as it was written.
std::optional<FileHead> read_head(const File& file);

// One chunk of the content; nothing when it is not as it was written.
std::optional<std::string> read_chunk(const File& file, uint64_t content_bytes,
                                      std::string_view digests, uint64_t chunk);

// Writes the file of one object while its content comes, beside the place where it is to be.
// Blocks; for one thread at a time.
class ObjectFileWriter {
 public:
  // `path` is where the file is to be; its folder is made. Until then it is at `temporary`, on the
  // same file system.
  ObjectFileWriter(std::string path, std::string temporary);
  // Leaves nothing behind that is not finished.
  ~ObjectFileWriter();
  ObjectFileWriter(const ObjectFileWriter&) = delete;
  ObjectFileWriter& operator=(const ObjectFileWriter&) = delete;

  // Another one writes the same at this moment: one is enough.
  bool is_taken() const { return taken_; }
  // False from here on when something has failed; errno tells.
  bool append(std::string_view bytes);
  // Writes all of `object` but its content, and puts the file into its place.
  bool finish(const Object& object);

  uint64_t content_bytes() const { return content_bytes_; }
  uint64_t file_bytes() const { return file_bytes_; }

 private:
  const std::string path_;
  const std::string temporary_;
  std::optional<File> file_;
  bool taken_ = false;
  bool good_ = false;
  bool finished_ = false;
  uint64_t content_bytes_ = 0;
  uint64_t file_bytes_ = 0;
  std::string digests_;
  std::optional<Digest> chunk_;  // of the chunk that is not complete
};

}  // namespace cusp::edge::cache
