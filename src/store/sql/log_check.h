#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// SQLite takes a frame of its write-ahead log that is damaged for the end of what was written, and
// forgets it and all behind it. This tells the two apart: a transaction is begun when the one
// before is on disk, so behind the end there is at most one that was not answered. Format:
// sqlite.org/fileformat2.html section 4.
namespace cusp::store::sql {

// Whether nothing is missing but what was being written at the end. Damage in the very last
// transaction looks the same.
bool log_is_whole(std::string_view log);

// The same for the log of a database that nobody has open. Blocks. Errors: kDataLoss with the file
// as context, and those of read_file().
Result<> check_log(const std::string& database);

}  // namespace cusp::store::sql
