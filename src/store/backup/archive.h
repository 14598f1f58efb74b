#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"

// A backup: a tar archive, compressed with zstd, of a folder of stores (docs/formats/backup.md).
// Its first entry says what else is in it, with sizes and SHA-256. Everything blocks.
namespace cusp::store::backup {

struct File {
  uint64_t size = 0;
  std::string sha256;  // 64 hexadecimal digits in lower case
};

struct Contents {
  std::string created;                // "2026-11-23T10:15:00Z"
  std::map<std::string, File> files;  // by path below the folder

  uint64_t bytes() const;
};

// Called now and then with how many bytes are done.
using Progress = std::function<void(uint64_t bytes)>;

// Writes every file below `folder` to `path`, which appears whole or not at all. Errors:
// kPermissionDenied, kUnavailable, kResourceExhausted (disk full).
Result<Contents> write(const std::string& folder, const std::string& path,
                       const Progress& progress);

// Reads an archive to its end and compares everything with what it says of itself. Any bytes.
// Errors: kInvalidArgument (not a backup, or not one that this cusp knows), kDataLoss (damaged,
// with the file in it as context), kUnavailable.
Result<Contents> verify(const std::string& path, const Progress& progress);

// The same, and makes the files below `folder`, which exists and is empty. Nothing outside of it is
// touched, whatever the archive says. After an error the folder holds something useless.
Result<Contents> extract(const std::string& path, const std::string& folder,
                         const Progress& progress);

}  // namespace cusp::store::backup
