#include "store/kv/expiry_filter.h"

#include "store/kv/entry.h"

namespace cusp::store::kv {

bool ExpiryFilter::Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*,
                          bool*) const {
  const auto entry = decode_entry(value.ToStringView());
  return entry && entry->expired(now_());
}

}  // namespace cusp::store::kv
