#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// RocksDB takes a record of its write-ahead log that reaches beyond the end for one that was cut
// off while it was written, and forgets it and what is behind it. A damaged length looks the same.
// This tells the two apart: behind a record that was cut off there is nothing.
// Format: github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format.
namespace cusp::store::kv {

// Whether every record is whole, but for bytes at the end that hold none.
bool log_is_whole(std::string_view log);

// The same for every log in the folder of a database that nobody has open. Blocks. Errors:
// kDataLoss with the file as context, and those of read_file().
Result<> check_logs(const std::string& directory);

}  // namespace cusp::store::kv
