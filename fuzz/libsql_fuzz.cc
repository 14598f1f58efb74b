#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "host/libsql_protocol.h"

// What a libSQL server answers, which is not trusted: the rows of a statement, and refusals.
namespace {

using namespace cusp;

constexpr store::sql::Limits kLimits{.rows_max = 8, .result_bytes_max = 256};

void check_rows(const store::sql::Rows& rows) {
  size_t count = 0;
  for (size_t at = 0; at < rows.values.size(); at += rows.columns.size()) ++count;
  CUSP_ASSERT(count <= kLimits.rows_max);
  CUSP_ASSERT(count * rows.columns.size() == rows.values.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  const auto answer = host::read_libsql_answer(body, kLimits);
  if (answer && answer->rows) check_rows(*answer->rows);
  static_cast<void>(host::read_libsql_refusal(500, body));
  return 0;
}
