#include "node/triggers/invoke.h"

#include <fmt/format.h>

#include "io/asio.h"

namespace cusp::node::triggers {

namespace {

// Everything is read, so that the guest comes to its end; the beginning is kept.
io::Task<Result<>> read(std::unique_ptr<http::Body> body, std::string& text) {
  while (body) {
    CUSP_CO_TRY(const http::BodyPart part, co_await body->read());
    text.append(part.bytes().substr(0, kAnswerBytesMax - text.size()));
    if (part.end) break;
  }
  co_return Result<>{};
}

}  // namespace

io::Task<Outcome> invoke(AppHandler& handler, std::shared_ptr<const Deployment> deployment,
                         Call call) {
  http::Request request{.method = "POST",
                        .scheme = "http",
                        .authority = deployment->app().name + std::string(kInternalDomain),
                        .target = std::move(call.path)};
  request.fields.add("host", request.authority);
  if (!call.content_type.empty()) request.fields.add("content-type", call.content_type);
  request.fields.add("content-length", std::to_string(call.body.size()));
  for (const auto& [name, value] : call.fields) request.fields.add(name, value);
  if (!call.body.empty()) request.body = http::make_body(std::move(call.body));
  Outcome outcome;
  http::Response response =
      co_await handler.trigger(std::move(deployment), call.component, call.name, request);
  outcome.status = response.status;
  const auto whole = co_await read(std::move(response.body), outcome.body);
  if (response.status < 200 || response.status > 299) {
    outcome.reason = fmt::format("answered {}", response.status);
  } else if (!whole) {
    outcome.reason = "broke its answer off: " + whole.error().message;
  }
  co_return outcome;
}

}  // namespace cusp::node::triggers
