#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "edge/cache/object.h"

namespace cusp::edge::cache {

// SHA-256 of what comes in pieces.
class Digest {
 public:
  static constexpr size_t kBytes = 32;

  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::string_view bytes);
  std::string finish();  // once

 private:
  void* context_;  // an EVP_MD_CTX of OpenSSL
};

// How an object lies in a file: a header of fixed size, its content, what is known of it ("meta"),
// and a digest of each chunk of the content. The header has a digest of the latter two, so that a
// flipped bit or half a file is found, and a chunk can be believed without the others. Numbers are
// little-endian.
struct FileHeader {
  static constexpr size_t kBytes = 64;
  static constexpr size_t kChunkBytes = limits::kBodyChunkBytes;
  // Where the byte is that a soft purge sets in place; no digest covers it.
  static constexpr size_t kSoftAt = 8;

  bool softly_purged = false;
  uint32_t meta_bytes = 0;
  uint64_t content_bytes = 0;
  std::string tail_digest;  // of meta and digests

  // Of the digests of all chunks.
  static uint64_t digests_bytes(uint64_t content_bytes) {
    return (content_bytes + kChunkBytes - 1) / kChunkBytes * Digest::kBytes;
  }
  uint64_t file_bytes() const {
    return kBytes + content_bytes + meta_bytes + digests_bytes(content_bytes);
  }
};

std::string encode(const FileHeader& header);
std::optional<FileHeader> decode_header(std::string_view bytes);

std::string encode_meta(const Object& object);
// An object without content; nothing when the bytes are not a meta in full.
std::optional<Object> decode_meta(std::string_view bytes);

std::string digest_of(std::string_view bytes);

}  // namespace cusp::edge::cache
