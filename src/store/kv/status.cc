#include "store/kv/status.h"

#include <rocksdb/status.h>

#include <fmt/format.h>

namespace cusp::store::kv {

Error to_error(const rocksdb::Status& status) {
  if (status.IsCorruption()) {
    return {ErrorCode::kDataLoss,
            fmt::format("the key-value stores' files are damaged: {}", status.ToString()),
            {}};
  }
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace) {
    return {ErrorCode::kResourceExhausted, "the disk of the key-value stores is full", {}};
  }
  return {ErrorCode::kUnavailable,
          fmt::format("the disk of the key-value stores fails, and nothing is written to it before "
                      "the node is started again: {}",
                      status.ToString()),
          {}};
}

Error not_an_entry() {
  return {ErrorCode::kDataLoss,
          "a key's bytes are in no form that this version of Cusp knows; was the database written "
          "by a newer one?",
          {}};
}

}  // namespace cusp::store::kv
