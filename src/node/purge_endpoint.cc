#include "node/purge_endpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "io/asio.h"

namespace cusp::node {

namespace {

using edge::cache::Purge;
using nlohmann::json;

constexpr size_t kBodyBytesMax = 64 * limits::kKiB;

using Kind = std::pair<std::string_view, Purge::What>;
constexpr Kind kKinds[] = {
    {"url", Purge::What::kUrl}, {"prefix", Purge::What::kPrefix}, {"tag", Purge::What::kTag}};

http::Response answer(uint16_t status, const json& body) {
  auto response = http::text_response(status, body.dump() + "\n");
  response.fields.set("content-type", "application/json");
  return response;
}

Result<Purge> parse(const std::string& text) {
  const auto wrong = [](std::string message) {
    return fail(ErrorCode::kInvalidArgument, std::move(message));
  };
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return wrong("the body is not a JSON object");
  Purge purge;
  size_t kinds = 0;
  for (const auto& [key, value] : body.items()) {
    const auto kind = std::ranges::find(kKinds, key, &Kind::first);
    if (key == "soft" || key == "everything") {
      if (!value.is_boolean()) return wrong(fmt::format("'{}' is true or false", key));
      if (key == "soft") purge.soft = value.get<bool>();
      if (key == "everything" && value.get<bool>()) {
        purge.what = Purge::What::kEverything;
        ++kinds;
      }
    } else if (key == "app" || kind != std::end(kKinds)) {
      if (!value.is_string()) return wrong(fmt::format("'{}' is a string", key));
      (key == "app" ? purge.name_space : purge.value) = value.get<std::string>();
      if (key == "app") continue;
      purge.what = kind->second;
      ++kinds;
    } else {
      return wrong(
          fmt::format("unknown member '{}'; known: app, everything, prefix, soft, tag, url", key));
    }
  }
  if (kinds != 1) return wrong("exactly one of 'url', 'prefix', 'tag' and 'everything' is needed");
  return purge;
}

io::Task<Result<std::string>> read_body(http::Request& request) {
  std::string text;
  while (request.body) {
    CUSP_CO_TRY(const http::BodyPart part, co_await request.body->read());
    text.append(part.data);
    if (text.size() > kBodyBytesMax) {
      co_return fail(ErrorCode::kResourceExhausted, "the body is larger than 64 KiB");
    }
    if (part.end) break;
  }
  co_return text;
}

}  // namespace

AdminHandler::Endpoint purge_endpoint(edge::cache::Cache& cache) {
  return {"POST", "/purge", true, [&cache](http::Request& request) -> io::Task<http::Response> {
            auto text = co_await read_body(request);
            const auto purge = text ? parse(*text) : std::unexpected(text.error());
            if (!purge) {
              co_return answer(static_cast<uint16_t>(http_status(purge.error().code)),
                               {{"error", purge.error().message}});
            }
            co_return answer(200, {{"purged", cache.purge(*purge)}});
          }};
}

}  // namespace cusp::node
