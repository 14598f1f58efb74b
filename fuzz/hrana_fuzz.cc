#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "node/hrana/codec.h"
#include "store/sql/split.h"

// What a client of Hrana sends: requests and batches in JSON, and scripts of several statements.
namespace {

using namespace cusp;
using node::hrana::json;

void check_steps(const json& from) {
  const auto steps = node::hrana::read_batch(from);
  if (!steps) return;
  for (size_t i = 0; i < steps->size(); ++i) {
    const auto& condition = (*steps)[i].condition;
    if (condition && condition->parts.empty()) CUSP_ASSERT(condition->step <= i);
  }
}

void check_values(const json& from) {
  const auto stmt = node::hrana::read_stmt(from);
  if (!stmt) return;
  for (const auto& value : stmt->arguments.parameters) {
    static_cast<void>(node::hrana::to_text(node::hrana::to_json(value)));
  }
}

// Nothing is lost or made up between the statements of a script.
void check_split(std::string_view text) {
  const auto statements = store::sql::split_statements(text);
  if (!statements) return;
  size_t at = 0;
  for (const auto& one : *statements) {
    at = text.find(one, at);
    CUSP_ASSERT(at != text.npos);
    at += one.size();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const json from = json::parse(text, nullptr, false);
  check_steps(from);
  check_values(from);
  check_split(text);
  return 0;
}
