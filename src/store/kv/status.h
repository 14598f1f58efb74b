#pragma once

#include "base/error.h"

namespace rocksdb {
class Status;
}

namespace cusp::store::kv {

// What RocksDB says, as an error of ours. `status` is not ok.
Error to_error(const rocksdb::Status& status);

// The bytes of a key are none that encode_entry() has made.
Error not_an_entry();

}  // namespace cusp::store::kv
