#pragma once

#include <string>

#include "base/result.h"

// Checksums of a database's pages (decision 020). Each page of its file ends in 8 reserved bytes
// (sqlite.org/fileformat2.html section 1.3.4) that hold the XXH3 of the rest and of its number,
// little endian; a page that was never written is zero. They are made when a page comes into the
// file and compared whenever SQLite reads it from there. Its log has checksums of its own
// (log_check.h).
namespace cusp::store::sql {

inline constexpr int kChecksumBytes = 8;

// The name of the file system to open every database with. A page that is not what was written
// fails with SQLITE_IOERR_DATA. A new database must reserve kChecksumBytes. Any thread.
const char* checked_files();

// Makes a database ready to be opened: proves that its log is sound, and writes it anew when its
// pages have no checksums yet, which takes as long as copying it and needs room for two. Nobody has
// it open. Nothing is done where there is none. Blocks. Errors: kDataLoss, and those of the disk.
Result<> prepare_checked(const std::string& path);

}  // namespace cusp::store::sql
