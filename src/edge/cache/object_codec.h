#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/cache/object.h"

namespace cusp::edge::cache {

// How an object lies in a file: a header of fixed size, what is known of it ("meta"), its content.
// Both have digests, so that a flipped bit or half a file is found. Numbers are little-endian.
struct FileHeader {
  static constexpr size_t kBytes = 96;
  // Where the byte is that a soft purge sets in place; no digest covers it.
  static constexpr size_t kSoftAt = 8;

  bool softly_purged = false;
  uint32_t meta_bytes = 0;
  uint64_t content_bytes = 0;
  std::string meta_digest;     // SHA-256
  std::string content_digest;  // SHA-256
};

std::string encode(const FileHeader& header);
std::optional<FileHeader> decode_header(std::string_view bytes);

std::string encode_meta(const Object& object);
// An object without content; nothing when the bytes are not a meta in full.
std::optional<Object> decode_meta(std::string_view bytes);

std::string digest_of(std::string_view bytes);
std::string digest_of(const Content& content);

}  // namespace cusp::edge::cache
