#pragma once

#include <sqlite3.h>

// A layer between SQLite and the files that another of its file systems opens ("shim" in SQLite's
// words, sqlite.org/vfs.html section 2.3): what a layer does not do itself goes through.
namespace cusp::store::sql {

// What a layer's own file begins with.
struct LayeredFile {
  sqlite3_file base;
  sqlite3_file* real;
};

inline sqlite3_file* real_file(sqlite3_file* file) {
  return reinterpret_cast<LayeredFile*>(file)->real;
}

// Opens the file beneath with `files` and joins it with `file`, whose methods become `methods`.
int open_layered(sqlite3_vfs* files, const char* name, LayeredFile* file, int flags, int* out_flags,
                 const sqlite3_io_methods* methods);

// Methods that only pass on, and xClose. A file has no memory map.
extern const sqlite3_io_methods kForwardingMethods;

}  // namespace cusp::store::sql
