#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "host/sql_database.h"
#include "store/sql/connection.h"

namespace cusp::host {

// Where a libSQL or Turso server has a database. The operator's own word: private addresses may be
// reached, certificates are verified.
struct LibsqlServer {
  std::string scheme;     // "http" or "https"
  std::string authority;  // "shop-me.turso.io", "[::1]:8080"
  std::string path;       // before "/v3/pipeline", without a slash at its end; may be empty

  // Reads "libsql://HOST", which means https, "https://HOST:PORT/PATH" or "http://…". Errors:
  // kInvalidArgument.
  static Result<LibsqlServer> parse(std::string_view url);
  // Whether a stream may go on at `other`, where the server sends it: the token goes there too.
  bool covers(const LibsqlServer& other) const;
};

// A database of which each guest's connection is a stream of Hrana 3 over HTTP, opened by its first
// statement and closed with it. `token` may be empty; no error and no log repeats it. Of `bounds`,
// rows, bytes and time hold here, too; the database itself is the server's. Errors beside the
// server's own: kUnavailable (it cannot be reached, does not answer in time or does not speak
// Hrana 3; what the statement would do may be done), also for each later statement of a connection
// whose transaction was lost so.
std::shared_ptr<SqlDatabase> make_libsql_database(LibsqlServer server, std::string token,
                                                  const store::sql::Limits& bounds);

}  // namespace cusp::host
