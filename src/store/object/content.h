#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/limits.h"
#include "base/result.h"

// The bytes of objects: each content is one file, named by its SHA-256, however many objects have
// it. Who refers to a content is somebody else's knowledge. Everything here blocks: for the
// blocking pool.
namespace cusp::store::object {

struct ContentId {
  std::string digest;  // SHA-256 of the bytes, 64 hexadecimal digits in lower case
  uint64_t size = 0;
  bool operator==(const ContentId&) const = default;
};

class Contents;

// Keeps one content from removal until the reference to it is on disk. The contents
// outlive it. Any thread.
class Pin {
 public:
  Pin(Contents& contents, std::string digest);
  ~Pin();
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  Contents& contents_;
  const std::string digest_;
};

struct Stored {
  ContentId id;
  std::unique_ptr<Pin> pin;  // to be held until a reference to `id` is on disk
};

// Takes one content piece by piece and holds one block of it in memory. What is not finished
// leaves nothing. The contents outlive it. One thread at a time.
class Writer {
 public:
  Writer(Contents& contents, Descriptor file, std::string path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Errors: kInvalidArgument (beyond limits::kObjectBytesMax), kResourceExhausted (disk full),
  // kUnavailable. After an error only the destructor is left.
  Result<> append(std::string_view bytes);
  // Once, and last. Returns when the content is on disk. The same errors.
  Result<Stored> finish();

 private:
  Result<> write_block();

  Contents& contents_;
  Descriptor file_;
  std::string path_;  // "": it has its final name
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest_;
  std::string block_;
  uint64_t blocks_ = 0;
  uint64_t size_ = 0;
};

// One content, open: it can be read to its end even if it is removed meanwhile. Thread-safe.
class Reader {
 public:
  Reader(Descriptor file, ContentId id) : file_(std::move(file)), id_(std::move(id)) {}

  uint64_t size() const { return id_.size; }
  // The bytes from `offset` to the end of the block that it lies in, or fewer: `most` at most.
  // Empty at the end. Errors: kDataLoss (not the bytes that were written: none are returned).
  Result<std::string> read(uint64_t offset, uint64_t most) const;

 private:
  Descriptor file_;
  ContentId id_;
};

// All contents of a node. Thread-safe. One process has the folder (Stores::lock).
class Contents {
 public:
  // Whether anything on disk refers to the content with this digest.
  using Referenced = std::function<Result<bool>(const std::string& digest)>;

  // `directory` is absolute and made when missing. Removes what was being written when the last
  // process ended.
  static Result<std::unique_ptr<Contents>> open(std::string directory);

  Result<std::unique_ptr<Writer>> write();
  // Errors: kInvalidArgument (no digest), kDataLoss (not there, or of another size).
  Result<Reader> read(const ContentId& id) const;
  // Removes a content that nothing refers to and that nobody has pinned. `referenced` is asked
  // without a lock; who pins meanwhile keeps the content. Whether it was removed.
  Result<bool> remove_unused(const std::string& digest, const Referenced& referenced);
  // Links every content into `directory`, as they lie here. Those that are removed meanwhile may be
  // missing.
  Result<> link_all(const std::string& directory) const;
  // The same for every content: what a crash between the file and its reference has left. How many
  // were removed.
  Result<size_t> sweep(const Referenced& referenced);

 private:
  friend class Pin;
  friend class Writer;

  explicit Contents(std::string directory) : directory_(std::move(directory)) {}
  std::string path(const std::string& digest) const;

  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, size_t> pins_;         // how many, by digest
  std::map<std::string, uint64_t> condemned_;  // which removal has it, unless a pin takes it out
  uint64_t removals_ = 0;
};

}  // namespace cusp::store::object
