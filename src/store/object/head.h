#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/kv/store.h"
#include "store/object/checksum.h"
#include "store/object/content.h"

namespace cusp::store::object {

// What a client says about an object and is told again: names and values that mean nothing here
// ("content-type"). At most limits::kObjectFieldsBytesMax bytes.
using FieldList = std::vector<std::pair<std::string, std::string>>;

struct Checksum {
  Algorithm algorithm = Algorithm::kSha256;
  std::string bytes;
  size_t parts = 0;  // 0: of the content; otherwise of the checksums of so many parts
  bool operator==(const Checksum&) const = default;
};

// What is known of an object without its content.
struct Head {
  std::string key;
  uint64_t size = 0;
  std::string etag;  // MD5 in hexadecimal, of the MD5s of N parts with "-N" behind; without quotes
  kv::Time modified;
  uint64_t revision = 0;  // of the write that made it
  FieldList fields;
  std::optional<Checksum> checksum;  // that the client asked for
  std::vector<ContentId> contents;   // one behind the other; one for each part of an upload
};

// Whether a write shall happen, given what is there (null: nothing). Called on any thread, perhaps
// more than once.
using Condition = std::function<bool(const Head* present)>;

struct PutOptions {
  FieldList fields;
  Condition condition;  // empty: always
};

// Which checksum the object of an upload in parts has.
struct UploadChecksum {
  Algorithm algorithm = Algorithm::kSha256;
  bool composite = true;  // of the parts' checksums; false: of the content, with combines() alone
};

// An upload in parts that has begun.
struct Upload {
  std::string key;
  std::string id;
  kv::Time begun;
  FieldList fields;
  std::optional<UploadChecksum> checksum;
  uint64_t revision = 0;

  // Of the checksums of its parts.
  std::optional<Algorithm> algorithm() const {
    return checksum ? std::optional(checksum->algorithm) : std::nullopt;
  }
};

struct Part {
  uint32_t number = 0;  // 1 to limits::kObjectPartsMax
  ContentId content;
  std::string etag;  // MD5 in hexadecimal
  kv::Time modified;
  std::optional<Checksum> checksum;
  uint64_t revision = 0;
};

}  // namespace cusp::store::object
