#include "store/kv/entry.h"

#include <bit>
#include <cstring>

namespace cusp::store::kv {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char kFormat = 1;
constexpr size_t kHeadBytes = 1 + 8 + 8 + 4;

template <class T>
void append(std::string& bytes, T number) {
  char raw[sizeof(number)];
  std::memcpy(raw, &number, sizeof(number));
  bytes.append(raw, sizeof(raw));
}

template <class T>
T read(std::string_view bytes, size_t at) {
  T number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

}  // namespace

std::string encode_entry(const EntryHead& entry) {
  std::string bytes;
  bytes.reserve(kHeadBytes + entry.metadata.size() + entry.value.size());
  bytes.push_back(kFormat);
  append<uint64_t>(bytes, entry.revision);
  append<int64_t>(bytes, entry.expires ? entry.expires->time_since_epoch().count() : 0);
  append<uint32_t>(bytes, static_cast<uint32_t>(entry.metadata.size()));
  bytes.append(entry.metadata).append(entry.value);
  return bytes;
}

std::optional<EntryHead> decode_entry(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes[0] != kFormat) return std::nullopt;
  EntryHead entry;
  entry.revision = read<uint64_t>(bytes, 1);
  if (const auto expires = read<int64_t>(bytes, 9); expires != 0) {
    entry.expires = Time(std::chrono::milliseconds(expires));
  }
  const auto metadata_bytes = read<uint32_t>(bytes, 17);
  bytes.remove_prefix(kHeadBytes);
  if (metadata_bytes > bytes.size()) return std::nullopt;
  entry.metadata = bytes.substr(0, metadata_bytes);
  entry.value = bytes.substr(metadata_bytes);
  return entry;
}

std::string encode_number(int64_t number) {
  std::string value;
  append(value, number);
  return value;
}

std::optional<int64_t> decode_number(std::string_view value) {
  if (value.size() != sizeof(int64_t)) return std::nullopt;
  return read<int64_t>(value, 0);
}

}  // namespace cusp::store::kv
