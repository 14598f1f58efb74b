#include "node/hrana/batch.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "io/asio.h"

namespace cusp::node::hrana {

namespace {

// How libSQL's clients begin a transaction that only reads; SQLite does not know the word.
constexpr std::string_view kBeginReadOnly = "BEGIN TRANSACTION READONLY";

// What begins and ends transactions and changes nothing itself.
bool is_transaction(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTexts = {
      "BEGIN", "BEGIN DEFERRED", "BEGIN TRANSACTION", "COMMIT", "END", "ROLLBACK"};
  while (!text.empty() && (text.back() == ';' || text.back() == ' ')) text.remove_suffix(1);
  return std::ranges::find(kTexts, text) != kTexts.end();
}

io::Task<Result<>> check_reads(Stream& stream, const std::string& text) {
  if (is_transaction(text)) co_return Result<>();
  CUSP_CO_TRY(const auto description, co_await stream.session->describe(text));
  if (description.reads) co_return Result<>();
  co_return fail(ErrorCode::kPermissionDenied, "the token may read this database, not change it");
}

}  // namespace

Result<std::string> resolve(const Stream& stream, const SqlText& sql) {
  if (sql.text) return *sql.text;
  const auto found = stream.texts.find(sql.id);
  if (found != stream.texts.end()) return found->second;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the stream keeps no SQL text with the id {}", sql.id));
}

io::Task<Result<store::sql::Rows>> run_statement(Stream& stream, Stmt stmt, Access access) {
  CUSP_CO_TRY(std::string text, resolve(stream, stmt.sql));
  if (text == kBeginReadOnly) text = "BEGIN";
  if (access != Access::kWrite) {
    const Result<> allowed = co_await check_reads(stream, text);
    if (!allowed) co_return std::unexpected(allowed.error());
  }
  stmt.arguments.text = std::move(text);
  if (auto rows = stream.session->try_execute(stmt.arguments)) co_return std::move(*rows);
  co_return co_await stream.session->execute(std::move(stmt.arguments));
}

io::Task<std::optional<Batch::Outcome>> Batch::next(Stream& stream, Access access) {
  for (; next_ < steps_.size(); ++next_) {
    Step& step = steps_[next_];
    if (step.condition && !holds(*step.condition, stream)) continue;
    const bool want_rows = step.stmt.want_rows;
    auto rows = co_await run_statement(stream, std::move(step.stmt), access);
    states_[next_] = rows ? State::kOk : State::kError;
    co_return Outcome{.step = next_++, .want_rows = want_rows, .rows = std::move(rows)};
  }
  co_return std::nullopt;
}

bool Batch::holds(const Condition& condition, const Stream& stream) const {
  const auto part = [&](const Condition& one) { return holds(one, stream); };
  switch (condition.type) {
    case Condition::Type::kOk: return states_[condition.step] == State::kOk;
    case Condition::Type::kError: return states_[condition.step] == State::kError;
    case Condition::Type::kNot: return !part(condition.parts.front());
    case Condition::Type::kAnd: return std::ranges::all_of(condition.parts, part);
    case Condition::Type::kOr: return std::ranges::any_of(condition.parts, part);
    case Condition::Type::kIsAutocommit: return !stream.session->in_transaction();
  }
  return false;
}

}  // namespace cusp::node::hrana
