#include "node/listener_handler.h"

#include <openssl/evp.h>

#include <fmt/format.h>

#include "edge/host_name.h"
#include "io/stream.h"

namespace cusp::node {

namespace {

constexpr std::string_view kCertificateField = "client-cert";
constexpr std::string_view kSubjectField = "client-cert-subject";
constexpr uint16_t kHttpsPort = 443;

// A byte sequence of a structured field (RFC 8941 section 3.3.5).
std::string byte_sequence(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return ":" + text + ":";
}

// A client says who it is in its certificate alone (RFC 9440 section 2.4).
void tell_certificate(http::Request& request) {
  request.fields.remove(kCertificateField);
  request.fields.remove("client-cert-chain");
  request.fields.remove(kSubjectField);
  const io::PeerCertificate* certificate = request.connection->client_certificate();
  if (certificate == nullptr) return;
  request.fields.add(kCertificateField, byte_sequence(certificate->der));
  request.fields.add(kSubjectField, certificate->subject);
}

http::Response redirect_to_https(const http::Request& request, uint16_t port) {
  const std::string host = edge::host_name(request.authority);
  if (host.empty() || !request.target.starts_with('/')) {
    return http::text_response(400, "This is served over https alone.\n");
  }
  std::string location = fmt::format("https://{}", host);
  if (port != kHttpsPort) location += fmt::format(":{}", port);
  location += request.target;
  // 308 keeps the method: what was sent here in the clear is at least sent on whole.
  auto response = http::text_response(308, "This is served over https alone.\n");
  response.fields.set("location", location);
  return response;
}

io::Task<http::Response> ready(http::Response response) { co_return response; }

}  // namespace

ListenerHandler::ListenerHandler(ListenerRules rules, const Challenges& challenges,
                                 http::Handler& next)
    : rules_(rules),
      hsts_(rules.hsts.count() > 0 ? fmt::format("max-age={}", rules.hsts.count()) : ""),
      challenges_(challenges),
      next_(next) {}

// No coroutine of its own where it has nothing to do behind the pipeline.
io::Task<http::Response> ListenerHandler::respond(http::Request& request) {
  if (!request.connection->tls()) {
    if (auto answered = answer(request)) return ready(std::move(*answered));
  }
  tell_certificate(request);
  const bool tells_hsts = !hsts_.empty() && request.connection->tls();
  return tells_hsts ? respond_with_hsts(request) : next_.respond(request);
}

std::optional<http::Response> ListenerHandler::answer(const http::Request& request) const {
  const std::string_view target = request.target;
  if (auto proof = challenges_.answer(target.substr(0, target.find('?')))) {
    auto response = http::text_response(200, std::move(*proof));
    response.fields.set("content-type", "application/octet-stream");
    return response;
  }
  if (rules_.redirect_port) return redirect_to_https(request, *rules_.redirect_port);
  return std::nullopt;
}

io::Task<http::Response> ListenerHandler::respond_with_hsts(http::Request& request) {
  auto response = co_await next_.respond(request);
  if (!response.fields.get("strict-transport-security")) {
    response.fields.add("strict-transport-security", hsts_);
  }
  co_return response;
}

}  // namespace cusp::node
