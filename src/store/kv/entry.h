#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/kv/store.h"

// How an entry lies in the database (docs/formats/stores.md): a byte for the format, revision and
// expiry (milliseconds since 1970; 0: never) in 8 bytes each, the size of the metadata in 4, all
// little endian, then metadata and value.
namespace cusp::store::kv {

// What an entry says without its value. `metadata` points into the bytes that were decoded.
struct EntryHead {
  uint64_t revision = 0;
  std::optional<Time> expires;
  std::string_view metadata;
  std::string_view value;

  bool expired(Time now) const { return expires && *expires <= now; }
};

std::string encode_entry(const EntryHead& entry);

// Nothing: these bytes are not an entry.
std::optional<EntryHead> decode_entry(std::string_view bytes);

// A counter's value (Change::kIncrement).
std::string encode_number(int64_t number);
// Nothing: the value is not a counter's.
std::optional<int64_t> decode_number(std::string_view value);

}  // namespace cusp::store::kv
