#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/sql/connection.h"
#include "store/sql/value.h"

// What is said to a libSQL server in one exchange: a pipeline of Hrana 3 over HTTP (the libSQL
// project's HRANA_3_SPEC.md, "Hrana over HTTP"). What a server answers is not trusted.
namespace cusp::host {

// The body of a request that runs `statement` on the stream of `baton` (empty: a new one) and asks
// whether a transaction is open then. Errors: kInvalidArgument, the statement is beyond what any
// database here takes, or has a number that JSON cannot say.
Result<std::string> libsql_request(const store::sql::Statement& statement,
                                   const std::string& baton);
// The body of a request that ends a stream, and rolls back its transaction.
std::string libsql_close(const std::string& baton);

struct LibsqlAnswer {
  std::string baton;              // of the stream's next request; empty: the stream has ended
  std::string base_url;           // where that goes to; empty: to the same place
  Result<store::sql::Rows> rows;  // without `last`; errors: the server's words, or kFull
  std::optional<int64_t> insert_rowid;
  bool in_transaction = false;
};

// Errors: kUnavailable, it is no answer to libsql_request().
Result<LibsqlAnswer> read_libsql_answer(std::string_view body, const store::sql::Limits& bounds);

// Why a server has refused a request as a whole, from the body that came with its status.
struct LibsqlRefusal {
  bool expired = false;  // it has given up the stream and run nothing
  std::string message;
};
LibsqlRefusal read_libsql_refusal(uint16_t status, std::string_view body);

}  // namespace cusp::host
