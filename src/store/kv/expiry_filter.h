#pragma once

#include <rocksdb/compaction_filter.h>

#include <functional>

#include "store/kv/store.h"

namespace cusp::store::kv {

// Drops entries that have expired when RocksDB rewrites their file anyway. Readers do not see them
// before that either. Any thread.
class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(std::function<Time()> now) : now_(std::move(now)) {}

  const char* Name() const override { return "cusp.expiry"; }
  bool Filter(int level, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override;

 private:
  const std::function<Time()> now_;
};

}  // namespace cusp::store::kv
