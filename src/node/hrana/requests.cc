#include "node/hrana/requests.h"

#include <fmt/format.h>

#include "io/asio.h"
#include "store/sql/split.h"

namespace cusp::node::hrana {

namespace {

using Answer = Result<json>;

io::Task<Answer> execute(Stream& stream, const json& request, Access access) {
  CUSP_CO_TRY(Stmt stmt, read_stmt(request.value("stmt", json())));
  const bool want_rows = stmt.want_rows;
  CUSP_CO_TRY(const auto rows, co_await run_statement(stream, std::move(stmt), access));
  co_return json{{"result", result_json(rows, want_rows)}};
}

io::Task<Answer> run_batch(Stream& stream, const json& request, Access access) {
  CUSP_CO_TRY(auto steps, read_batch(request.value("batch", json())));
  Batch batch(std::move(steps));
  json results = json::array();
  json errors = json::array();
  for (size_t i = 0; i < batch.size(); ++i) {
    results.push_back(nullptr);
    errors.push_back(nullptr);
  }
  while (const auto outcome = co_await batch.next(stream, access)) {
    if (outcome->rows) {
      results[outcome->step] = result_json(*outcome->rows, outcome->want_rows);
    } else {
      errors[outcome->step] = error_json(outcome->rows.error());
    }
  }
  co_return json{
      {"result", {{"step_results", std::move(results)}, {"step_errors", std::move(errors)}}}};
}

io::Task<Answer> run_sequence(Stream& stream, const json& request, Access access) {
  CUSP_CO_TRY(const SqlText sql, read_sql(request));
  CUSP_CO_TRY(const std::string text, resolve(stream, sql));
  CUSP_CO_TRY(auto statements, store::sql::split_statements(text));
  for (auto& one : statements) {
    Stmt stmt{.sql = {.text = std::move(one)}};
    const auto rows = co_await run_statement(stream, std::move(stmt), access);
    if (!rows) co_return std::unexpected(rows.error());
  }
  co_return json::object();
}

io::Task<Answer> describe(Stream& stream, const json& request) {
  CUSP_CO_TRY(const SqlText sql, read_sql(request));
  CUSP_CO_TRY(std::string text, resolve(stream, sql));
  CUSP_CO_TRY(const auto description, co_await stream.session->describe(std::move(text)));
  co_return json{{"result", description_json(description)}};
}

Answer store_text(Stream& stream, const json& request, size_t bytes_max) {
  const json sql = request.value("sql", json());
  CUSP_TRY(const SqlText id, read_sql({{"sql_id", request.value("sql_id", json())}}));
  if (!sql.is_string()) return fail(ErrorCode::kInvalidArgument, "'sql' is a string");
  std::string text = sql.get<std::string>();
  if (stream.text_bytes + text.size() > bytes_max) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("a stream keeps at most {} bytes of SQL", bytes_max));
  }
  const size_t size = text.size();
  if (!stream.texts.emplace(id.id, std::move(text)).second) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the stream keeps a text with the id {} already", id.id));
  }
  stream.text_bytes += size;
  return json::object();
}

Answer close_text(Stream& stream, const json& request) {
  CUSP_TRY(const SqlText id, read_sql({{"sql_id", request.value("sql_id", json())}}));
  const auto found = stream.texts.find(id.id);
  if (found == stream.texts.end()) return json::object();
  stream.text_bytes -= found->second.size();
  stream.texts.erase(found);
  return json::object();
}

io::Task<Answer> run(Stream& stream, const std::string& type, const json& request, Access access,
                     size_t text_bytes_max) {
  if (stream.closed) co_return fail(ErrorCode::kInvalidArgument, "the stream is closed");
  if (type == "execute") co_return co_await execute(stream, request, access);
  if (type == "batch") co_return co_await run_batch(stream, request, access);
  if (type == "sequence") co_return co_await run_sequence(stream, request, access);
  if (type == "describe") co_return co_await describe(stream, request);
  if (type == "store_sql") co_return store_text(stream, request, text_bytes_max);
  if (type == "close_sql") co_return close_text(stream, request);
  if (type == "get_autocommit") {
    co_return json{{"is_autocommit", !stream.session->in_transaction()}};
  }
  if (type == "close") {
    stream.closed = true;
    co_return json::object();
  }
  co_return fail(ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is no type of a request", type.substr(0, 40)));
}

}  // namespace

io::Task<json> run_request(Stream& stream, const json& request, Access access,
                           size_t text_bytes_max) {
  const json name = request.is_object() ? request.value("type", json()) : json();
  const std::string type = name.is_string() ? name.get<std::string>() : "";
  Answer answer = co_await run(stream, type, request, access, text_bytes_max);
  if (!answer) co_return json{{"type", "error"}, {"error", error_json(answer.error())}};
  (*answer)["type"] = type;
  co_return json{{"type", "ok"}, {"response", std::move(*answer)}};
}

}  // namespace cusp::node::hrana
