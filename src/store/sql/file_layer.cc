#include "store/sql/file_layer.h"

#include <cstring>

namespace cusp::store::sql {

namespace {

int close_layered(sqlite3_file* file) {
  sqlite3_file* real = real_file(file);
  const int result = real->pMethods->xClose(real);
  sqlite3_free(real);
  return result;
}

// Each function finds the real file behind its first argument.
template <auto Member, class Signature>
struct Forward;
template <auto Member, class... Rest>
struct Forward<Member, int (*)(sqlite3_file*, Rest...)> {
  static int call(sqlite3_file* file, Rest... rest) {
    return (real_file(file)->pMethods->*Member)(real_file(file), rest...);
  }
};
template <auto Member, class... Rest>
struct Forward<Member, void (*)(sqlite3_file*, Rest...)> {
  static void call(sqlite3_file* file, Rest... rest) {
    (real_file(file)->pMethods->*Member)(real_file(file), rest...);
  }
};

#define CUSP_FORWARD(member) \
  .member = Forward<&sqlite3_io_methods::member, decltype(sqlite3_io_methods::member)>::call

}  // namespace

const sqlite3_io_methods kForwardingMethods = {.iVersion = 2,
                                               .xClose = close_layered,
                                               CUSP_FORWARD(xRead),
                                               CUSP_FORWARD(xWrite),
                                               CUSP_FORWARD(xTruncate),
                                               CUSP_FORWARD(xSync),
                                               CUSP_FORWARD(xFileSize),
                                               CUSP_FORWARD(xLock),
                                               CUSP_FORWARD(xUnlock),
                                               CUSP_FORWARD(xCheckReservedLock),
                                               CUSP_FORWARD(xFileControl),
                                               CUSP_FORWARD(xSectorSize),
                                               CUSP_FORWARD(xDeviceCharacteristics),
                                               CUSP_FORWARD(xShmMap),
                                               CUSP_FORWARD(xShmLock),
                                               CUSP_FORWARD(xShmBarrier),
                                               CUSP_FORWARD(xShmUnmap)};

int open_layered(sqlite3_vfs* files, const char* name, LayeredFile* file, int flags, int* out_flags,
                 const sqlite3_io_methods* methods) {
  file->base.pMethods = nullptr;
  const auto bytes = static_cast<size_t>(files->szOsFile);
  file->real = static_cast<sqlite3_file*>(sqlite3_malloc64(bytes));
  if (file->real == nullptr) return SQLITE_NOMEM;
  std::memset(file->real, 0, bytes);
  const int result = files->xOpen(files, name, file->real, flags, out_flags);
  if (result == SQLITE_OK) {
    file->base.pMethods = methods;
    return result;
  }
  if (file->real->pMethods != nullptr) file->real->pMethods->xClose(file->real);
  sqlite3_free(file->real);
  return result;
}

}  // namespace cusp::store::sql
