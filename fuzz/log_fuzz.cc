#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "store/kv/log_check.h"
#include "store/sql/log_check.h"

// The logs of the last writes as a disk gives them back: RocksDB's and SQLite's. The corpus has one
// of each, since checksums are hard to guess.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view log(reinterpret_cast<const char*>(bytes), size);
  const std::string_view begun = log.substr(0, size / 2);
  // What is whole was so while it was being written.
  if (cusp::store::kv::log_is_whole(log)) CUSP_ASSERT(cusp::store::kv::log_is_whole(begun));
  if (cusp::store::sql::log_is_whole(log)) CUSP_ASSERT(cusp::store::sql::log_is_whole(begun));
  return 0;
}
