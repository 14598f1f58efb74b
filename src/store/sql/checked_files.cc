#include "store/sql/checked_files.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "store/folder.h"
#include "store/sql/file_layer.h"
#include "store/sql/log_check.h"

namespace cusp::store::sql {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr int kPageBytesMin = 512;
constexpr int kPageBytesMax = 65536;
constexpr size_t kHeaderBytes = 100;
constexpr size_t kReservedAt = 20;  // in the header: how many bytes pages reserve

struct CheckedFile {
  LayeredFile layer;
  bool checked;  // its pages have checksums
};

bool is_page(int bytes, sqlite3_int64 at) {
  return bytes >= kPageBytesMin && bytes <= kPageBytesMax &&
         std::has_single_bit(static_cast<unsigned>(bytes)) && at % bytes == 0;
}

uint64_t checksum(const char* page, int bytes, sqlite3_int64 at) {
  return XXH3_64bits_withSeed(page, static_cast<size_t>(bytes - kChecksumBytes),
                              static_cast<uint64_t>(at / bytes + 1));
}

bool is_zero(const char* page, int bytes) {
  return std::all_of(page, page + bytes, [](char byte) { return byte == 0; });
}

bool is_sound(const char* page, int bytes, sqlite3_int64 at) {
  uint64_t stored;
  std::memcpy(&stored, page + bytes - kChecksumBytes, sizeof(stored));
  return stored == checksum(page, bytes, at) || (stored == 0 && is_zero(page, bytes));
}

int read_file(sqlite3_file* file, void* data, int bytes, sqlite3_int64 at) {
  sqlite3_file* real = real_file(file);
  const int result = real->pMethods->xRead(real, data, bytes, at);
  if (result != SQLITE_OK || !reinterpret_cast<CheckedFile*>(file)->checked || !is_page(bytes, at))
    return result;
  return is_sound(static_cast<const char*>(data), bytes, at) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

// SQLite writes nothing but pages into a database.
int write_file(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 at) {
  sqlite3_file* real = real_file(file);
  if (!reinterpret_cast<CheckedFile*>(file)->checked || !is_page(bytes, at)) {
    return real->pMethods->xWrite(real, data, bytes, at);
  }
  std::array<char, kPageBytesMax> page;
  std::memcpy(page.data(), data, static_cast<size_t>(bytes));
  const uint64_t sum = checksum(page.data(), bytes, at);
  std::memcpy(page.data() + bytes - kChecksumBytes, &sum, sizeof(sum));
  return real->pMethods->xWrite(real, page.data(), bytes, at);
}

// No reads of less than a page, which nothing could be compared with.
int device_characteristics(sqlite3_file* file) {
  return kForwardingMethods.xDeviceCharacteristics(file) & ~SQLITE_IOCAP_SUBPAGE_READ;
}

const sqlite3_io_methods& checked_methods() {
  static const sqlite3_io_methods kMethods = [] {
    sqlite3_io_methods methods = kForwardingMethods;
    methods.xRead = read_file;
    methods.xWrite = write_file;
    methods.xDeviceCharacteristics = device_characteristics;
    return methods;
  }();
  return kMethods;
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* checked = reinterpret_cast<CheckedFile*>(file);
  sqlite3_vfs* files = sqlite3_vfs_find(nullptr);
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) {
    return open_layered(files, name, &checked->layer, flags, out_flags, &kForwardingMethods);
  }
  const int result =
      open_layered(files, name, &checked->layer, flags, out_flags, &checked_methods());
  if (result != SQLITE_OK) return result;
  std::array<unsigned char, kHeaderBytes> header;
  sqlite3_file* real = checked->layer.real;
  const int read = real->pMethods->xRead(real, header.data(), kHeaderBytes, 0);
  // What is empty yet will have them.
  checked->checked = read == SQLITE_IOERR_SHORT_READ ||
                     (read == SQLITE_OK && header[kReservedAt] == kChecksumBytes);
  return SQLITE_OK;
}

enum class Pages : uint8_t { kNone, kChecked, kPlain };

std::unexpected<Error> damaged(const std::string& path) {
  return fail(ErrorCode::kDataLoss, "the database is damaged: restore it from a backup", path);
}

// From the first page. What says that it reserves nothing may be one of which just that was
// changed: then its checksum is right once that is put back.
Result<Pages> pages_of(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<char> page(kPageBytesMax);
  const ssize_t got = file < 0 ? 0 : ::pread(file, page.data(), page.size(), 0);
  if (got < static_cast<ssize_t>(kHeaderBytes)) return Pages::kNone;
  if (!std::string_view(page.data(), page.size()).starts_with("SQLite format 3")) {
    return fail(ErrorCode::kDataLoss, "file is not a database", path);
  }
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(page[at]); };
  const int stored = byte(16) << 8 | byte(17);
  const int bytes = stored == 1 ? kPageBytesMax : stored;
  if (!is_page(bytes, 0)) return damaged(path);
  if (byte(kReservedAt) == kChecksumBytes) return Pages::kChecked;
  if (byte(kReservedAt) != 0) return damaged(path);
  page[kReservedAt] = kChecksumBytes;
  if (got >= bytes && is_sound(page.data(), bytes, 0)) return damaged(path);
  return Pages::kPlain;
}

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};

// VACUUM INTO keeps row ids, and the one that is written over is whole until the last step.
Result<> rewrite(const std::string& path) {
  const std::string fresh = path + "-checked";
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, checked_files());
  std::unique_ptr<sqlite3, CloseConnection> connection(opened);
  int reserved = kChecksumBytes;
  char* text = sqlite3_mprintf("PRAGMA synchronous = FULL; VACUUM INTO %Q", fresh.c_str());
  const bool done =
      code == SQLITE_OK &&
      sqlite3_file_control(opened, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved) == SQLITE_OK &&
      sqlite3_exec(opened, text, nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_free(text);
  if (!done) {
    const std::string why = opened == nullptr ? "out of memory" : sqlite3_errmsg(opened);
    std::filesystem::remove(fresh, ignored);
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot write the database anew, with checksums: {}", why), path);
  }
  connection.reset();
  // The old one's log must not meet the new one.
  if (std::filesystem::exists(path + "-wal") || ::rename(fresh.c_str(), path.c_str()) != 0) {
    std::filesystem::remove(fresh, ignored);
    return fail(ErrorCode::kUnavailable, "cannot put the database with checksums in its place",
                path);
  }
  return sync_folder(std::filesystem::path(path).parent_path());
}

}  // namespace

const char* checked_files() {
  static sqlite3_vfs* const kFiles = [] {
    sqlite3_initialize();
    // Everything that is not about an open file is the system's.
    static sqlite3_vfs files = *sqlite3_vfs_find(nullptr);
    files.zName = "cusp-checked";
    files.szOsFile = sizeof(CheckedFile);
    files.pNext = nullptr;
    files.xOpen = open_file;
    sqlite3_vfs_register(&files, 0);
    return &files;
  }();
  return kFiles->zName;
}

Result<> prepare_checked(const std::string& path) {
  CUSP_CHECK(check_log(path));
  CUSP_TRY(const Pages pages, pages_of(path));
  if (pages == Pages::kPlain) return rewrite(path);
  return {};
}

}  // namespace cusp::store::sql
