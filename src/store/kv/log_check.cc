#include "store/kv/log_check.h"

#include <boost/crc.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include "base/file.h"

namespace cusp::store::kv {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeadBytes = 4 + 2 + 1;  // checksum, length, type
constexpr unsigned char kTypeMax = 4;     // whole, first, middle, last; recycled logs are off

// Castagnoli's polynomial, as RocksDB stores it: rotated, since a checksum of bytes that hold
// checksums would be weak.
uint32_t checksum(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return std::rotr(static_cast<uint32_t>(crc.checksum()), 15) + 0xa282ead8;
}

// The bytes of the record at the front of `rest`, the rest of a block; 0: there is none, or it is
// damaged.
size_t record_bytes(std::string_view rest) {
  if (rest.size() < kHeadBytes) return 0;
  uint32_t stored;
  uint16_t length;
  std::memcpy(&stored, rest.data(), sizeof(stored));
  std::memcpy(&length, rest.data() + sizeof(stored), sizeof(length));
  const auto type = static_cast<unsigned char>(rest[kHeadBytes - 1]);
  if (type == 0 || type > kTypeMax || kHeadBytes + length > rest.size()) return 0;
  if (checksum(rest.substr(kHeadBytes - 1, 1 + length)) != stored) return 0;
  return kHeadBytes + length;
}

std::string_view rest_of_block(std::string_view log, size_t at) {
  return log.substr(at, kBlockBytes - at % kBlockBytes);
}

}  // namespace

bool log_is_whole(std::string_view log) {
  size_t at = 0;
  while (at < log.size()) {
    const auto rest = rest_of_block(log, at);
    const size_t bytes = record_bytes(rest);
    // The end of a block that has no room for a head is filled up.
    if (bytes == 0 && rest.size() >= kHeadBytes) break;
    at += bytes == 0 ? rest.size() : bytes;
  }
  for (++at; at < log.size(); ++at) {
    if (record_bytes(rest_of_block(log, at)) > 0) return false;
  }
  return true;
}

Result<> check_logs(const std::string& directory) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory, error)) {
    if (file.path().extension() != ".log") continue;
    CUSP_TRY(const std::string log, read_file(file.path()));
    if (!log_is_whole(log)) {
      return fail(ErrorCode::kDataLoss,
                  "the log of the last writes is damaged: restore the folder from a backup",
                  file.path());
    }
  }
  return {};
}

}  // namespace cusp::store::kv
