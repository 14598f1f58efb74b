#include "node/admin.h"

#include <openssl/crypto.h>

#include "io/asio.h"

namespace cusp::node {

namespace {

constexpr std::string_view kBearer = "Bearer ";

}  // namespace

io::Task<http::Response> AdminHandler::respond(http::Request& request) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  std::string methods;
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.path != path) continue;
    if (endpoint.method != request.method) {
      methods += methods.empty() ? endpoint.method : ", " + endpoint.method;
      continue;
    }
    if (endpoint.needs_token && !authorized(request)) {
      auto refused = http::text_response(
          401, "This needs the token of the node: the file admin.token in its state folder.\n");
      refused.fields.add("www-authenticate", "Bearer realm=\"cusp\"");
      co_return refused;
    }
    co_return co_await endpoint.answer(request);
  }
  if (methods.empty()) co_return http::text_response(404, "There is no such endpoint.\n");
  auto refused = http::text_response(405, "Method Not Allowed\n");
  refused.fields.add("allow", methods);
  co_return refused;
}

bool AdminHandler::authorized(const http::Request& request) const {
  const auto field = request.fields.get("authorization");
  if (!field || !field->starts_with(kBearer)) return false;
  const std::string_view token = field->substr(kBearer.size());
  return token.size() == token_.size() &&
         CRYPTO_memcmp(token.data(), token_.data(), token.size()) == 0;
}

}  // namespace cusp::node
