#include "node/hrana/endpoint.h"

#include <fmt/format.h>

#include "io/asio.h"
#include "node/hrana/codec.h"
#include "node/hrana/cursor_body.h"
#include "node/hrana/requests.h"

namespace cusp::node::hrana {

namespace {

constexpr std::string_view kProtocolError = "HRANA_PROTO_ERROR";

http::Response answer(uint16_t status, const json& body) {
  auto response = http::text_response(status, to_text(body));
  response.fields.set("content-type", "application/json");
  return response;
}

http::Response protocol_error(std::string_view message) {
  return Endpoint::failure(400, kProtocolError, message);
}

io::Task<Result<json>> read_body(http::Request& request) {
  CUSP_CO_TRY(const std::string text,
              co_await http::read_all(request.body.get(), Endpoint::kBodyBytesMax));
  json body = json::parse(text, nullptr, false);
  if (body.is_object()) co_return body;
  co_return fail(ErrorCode::kInvalidArgument, "the body is not a JSON object");
}

Access access_of(const Caller& caller) {
  const bool write =
      caller.token->grant.allows(caller.app, StoreKind::kSql, caller.database, Access::kWrite);
  return write ? Access::kWrite : Access::kRead;
}

}  // namespace

http::Response Endpoint::failure(uint16_t status, std::string_view code, std::string_view message) {
  return answer(status, error_json(code, message));
}

io::Task<http::Response> Endpoint::respond(http::Request& request, Caller caller,
                                           std::string_view path) {
  const bool is_version = path == "v2" || path == "v3";
  const bool is_pipeline = path == "v2/pipeline" || path == "v3/pipeline";
  if (!is_version && !is_pipeline && path != "v3/cursor") {
    co_return failure(404, "NOT_FOUND",
                      "there is no such endpoint; known: v2 and v3 with /pipeline, "
                      "v3/cursor");
  }
  if (request.method != (is_version ? "GET" : "POST")) {
    auto refused = failure(405, "METHOD_NOT_ALLOWED", "this method is not for this endpoint");
    refused.fields.add("allow", is_version ? "GET" : "POST");
    co_return refused;
  }
  if (is_version) co_return answer(200, {{"version", path}});
  const auto body = co_await read_body(request);
  if (!body) {
    const bool large = body.error().code == ErrorCode::kResourceExhausted;
    const auto status = static_cast<uint16_t>(http_status(body.error().code));
    co_return failure(large ? 413 : status, kProtocolError, body.error().message);
  }
  if (is_pipeline) co_return co_await run_pipeline(caller, *body);
  co_return co_await run_cursor(caller, *body);
}

// The stream of a baton, or a new one without.
io::Task<Result<StreamPtr>> Endpoint::open(const Caller& caller, const json& baton) {
  if (baton.is_string()) {
    co_return streams_.take(baton.get<std::string>(), *caller.token, caller.app, caller.database);
  }
  if (!baton.is_null()) co_return fail(ErrorCode::kInvalidArgument, "'baton' is a string or null");
  Result<std::shared_ptr<store::sql::Database>> database;
  co_await blocking_.run([&] { database = stores_.sql(caller.app, caller.database); });
  if (!database) co_return std::unexpected(database.error());
  co_return std::make_unique<Stream>(Stream{.owner = caller.token->id,
                                            .app = caller.app,
                                            .database = caller.database,
                                            .session = (*database)->session()});
}

io::Task<http::Response> Endpoint::run_pipeline(const Caller& caller, const json& body) {
  const json requests = body.value("requests", json());
  if (!requests.is_array() || requests.size() > kStepsMax) {
    co_return protocol_error(
        fmt::format("'requests' is an array of at most {} requests", kStepsMax));
  }
  auto opened = co_await open(caller, body.value("baton", json()));
  if (!opened) {
    const auto status = static_cast<uint16_t>(http_status(opened.error().code));
    const bool lost = opened.error().code == ErrorCode::kNotFound;
    co_return failure(lost ? 400 : status, lost ? "STREAM_EXPIRED" : "STREAM_NOT_OPENED",
                      opened.error().message);
  }
  StreamPtr stream = std::move(*opened);
  json results = json::array();
  for (const json& one : requests) {
    results.push_back(co_await run_request(*stream, one, access_of(caller), kTextBytesMax));
  }
  json baton;
  if (!stream->closed) {
    baton = Streams::make_baton();
    streams_.put(baton.get<std::string>(), std::move(stream));
  }
  co_return answer(
      200, {{"baton", std::move(baton)}, {"base_url", nullptr}, {"results", std::move(results)}});
}

io::Task<http::Response> Endpoint::run_cursor(const Caller& caller, const json& body) {
  auto steps = read_batch(body.value("batch", json()));
  if (!steps) co_return protocol_error(steps.error().message);
  auto opened = co_await open(caller, body.value("baton", json()));
  if (!opened) co_return failure(400, "STREAM_EXPIRED", opened.error().message);
  http::Response response{.status = 200};
  response.fields.add("content-type", "text/plain; charset=utf-8");
  response.body =
      make_cursor_body(streams_, std::move(*opened), Batch(std::move(*steps)), access_of(caller));
  co_return response;
}

}  // namespace cusp::node::hrana
