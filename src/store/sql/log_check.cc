#include "store/sql/log_check.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/file.h"

namespace cusp::store::sql {

namespace {

constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameHeadBytes = 24;
constexpr uint32_t kMagic = 0x377f0682;  // and 1 where checksums are of big-endian words

uint32_t word(std::string_view bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return std::byteswap(value);  // as they are stored
}

// Section 4.2.
struct Checksum {
  uint32_t first = 0;
  uint32_t second = 0;
  bool big_endian = false;

  void add(std::string_view bytes) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first += value(bytes, at) + second;
      second += value(bytes, at + 4) + first;
    }
  }
  bool stored_at(std::string_view bytes, size_t at) const {
    return word(bytes, at) == first && word(bytes, at + 4) == second;
  }

 private:
  uint32_t value(std::string_view bytes, size_t at) const {
    return big_endian ? word(bytes, at) : std::byteswap(word(bytes, at));
  }
};

}  // namespace

bool log_is_whole(std::string_view log) {
  // A header lies in one sector: it is whole or not there.
  if (log.size() < kHeaderBytes || word(log, 0) == 0) return true;
  Checksum sum{.big_endian = (word(log, 0) & 1) != 0};
  sum.add(log.substr(0, kHeaderBytes - 8));
  const uint32_t page_bytes = word(log, 8);
  const bool sound = (word(log, 0) & ~1U) == kMagic && sum.stored_at(log, kHeaderBytes - 8) &&
                     std::has_single_bit(page_bytes) && page_bytes >= 512;
  if (!sound) return false;
  const std::string_view salt = log.substr(16, 8);  // other frames are of an earlier run
  const size_t frame_bytes = kFrameHeadBytes + page_bytes;
  bool whole = true;
  bool committed = false;  // behind the damage
  for (size_t at = kHeaderBytes; at + frame_bytes <= log.size(); at += frame_bytes) {
    const std::string_view frame = log.substr(at, frame_bytes);
    const bool ours = frame.substr(8, 8) == salt;
    if (committed && ours) return false;
    if (whole) {
      sum.add(frame.substr(0, 8));
      sum.add(frame.substr(kFrameHeadBytes));
      whole = ours && sum.stored_at(frame, 16);
    }
    const bool commits = word(frame, 4) != 0;
    if (!whole && ours && commits) committed = true;
  }
  return true;
}

Result<> check_log(const std::string& database) {
  const std::string path = database + "-wal";
  auto log = read_file(path);
  if (!log && log.error().code == ErrorCode::kNotFound) return {};
  if (!log) return std::unexpected(std::move(log.error()));
  if (log_is_whole(*log)) return {};
  return fail(ErrorCode::kDataLoss,
              "the log of the last writes is damaged: restore the folder from a backup", path);
}

}  // namespace cusp::store::sql
