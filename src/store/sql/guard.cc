#include "store/sql/guard.h"

#include <sqlite3.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace cusp::store::sql {

namespace {

// These only tell something.
constexpr std::array<std::string_view, 19> kQuestions = {
    "application_id",    "collation_list",   "compile_options", "data_version",  "encoding",
    "foreign_key_check", "foreign_key_list", "freelist_count",  "function_list", "index_info",
    "index_list",        "index_xinfo",      "integrity_check", "page_count",    "quick_check",
    "schema_version",    "table_info",       "table_list",      "table_xinfo"};

// These may also be set: they belong to the database, or end with the transaction.
constexpr std::array<std::string_view, 4> kSettings = {"user_version", "defer_foreign_keys",
                                                       "optimize", "module_list"};

// Asked for by apps out of habit. They stay as Cusp has set them.
constexpr std::array<std::string_view, 11> kIgnored = {
    "auto_vacuum",  "busy_timeout", "cache_size",        "foreign_keys",
    "journal_mode", "locking_mode", "mmap_size",         "page_size",
    "synchronous",  "temp_store",   "wal_autocheckpoint"};

// Of which the argument is a table or an index, not a new value.
bool names_its_argument(std::string_view pragma) {
  return pragma.starts_with("table_") || pragma.starts_with("index_") ||
         pragma.starts_with("foreign_key_") || pragma.ends_with("_check");
}

bool among(std::string_view name, const auto& list) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view one) {
    return one.size() == name.size() && strncasecmp(one.data(), name.data(), one.size()) == 0;
  });
}

int check_pragma(const char* name, const char* argument, Met& met) {
  met.pragma = true;
  if (among(name, kSettings)) return SQLITE_OK;
  if (among(name, kQuestions) && (argument == nullptr || names_its_argument(name))) {
    return SQLITE_OK;
  }
  if (among(name, kIgnored)) return argument == nullptr ? SQLITE_OK : SQLITE_IGNORE;
  met.denied = "this PRAGMA is not allowed";
  return SQLITE_DENY;
}

int check(void* user, int action, const char* first, const char* second, const char*, const char*) {
  auto& met = *static_cast<Met*>(user);
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT: met.transaction = true; return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      // CREATE and DROP write the schema in the same way.
      met.changes |= strncasecmp(first, "sqlite_", 7) != 0;
      return SQLITE_OK;
    case SQLITE_PRAGMA: return check_pragma(first, second, met);
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      met.denied = "ATTACH, DETACH and VACUUM are not allowed: a statement has one database";
      return SQLITE_DENY;
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
      met.denied = "temporary tables, indexes, triggers and views are not allowed";
      return SQLITE_DENY;
    case SQLITE_FUNCTION:
      if (strcasecmp(second, "load_extension") != 0) return SQLITE_OK;
      met.denied = "load_extension is not allowed";
      return SQLITE_DENY;
    default: return SQLITE_OK;
  }
}

}  // namespace

void guard(sqlite3* connection, Met& met) { sqlite3_set_authorizer(connection, check, &met); }

}  // namespace cusp::store::sql
