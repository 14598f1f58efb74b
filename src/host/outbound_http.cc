#include "host/outbound_http.h"

#include <charconv>
#include <optional>

#include "io/asio.h"

namespace cusp::host {

namespace {

struct Destination {
  std::string host;  // without brackets
  uint16_t port;
};

std::optional<Destination> parse_authority(std::string_view authority, std::string_view scheme) {
  if (const size_t at = authority.rfind('@'); at != authority.npos) return std::nullopt;
  std::string_view host = authority;
  std::string_view port_text;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == authority.npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    std::string_view rest = authority.substr(end + 1);
    if (rest.starts_with(':')) port_text = rest.substr(1);
  } else if (const size_t colon = authority.rfind(':'); colon != authority.npos) {
    host = authority.substr(0, colon);
    port_text = authority.substr(colon + 1);
  }
  if (host.empty()) return std::nullopt;
  uint16_t port = scheme == "https" ? 443 : 80;
  if (!port_text.empty()) {
    const auto [end, error] = std::from_chars(port_text.begin(), port_text.end(), port);
    if (error != std::errc() || end != port_text.end()) return std::nullopt;
  }
  return Destination{std::string(host), port};
}

// What a request within the app says about its client: there is no connection that could break.
class LocalConnection final : public http::Connection {
 public:
  std::string_view remote_address() const override { return "127.0.0.1"; }
  uint16_t remote_port() const override { return 0; }
  bool tls() const override { return false; }
  void on_client_gone(std::function<void()>) override {}
};

}  // namespace

// One request on its way; kept alive by its coroutine.
struct OutboundCalls::Call {
  std::unique_ptr<engine::Outbound> outbound;
  std::shared_ptr<http::Handler> local;        // shared with the invocation
  std::shared_ptr<const OutboundRules> rules;  // shared by a component's invocations
  io::asio::cancellation_signal cancel;

  io::Task<void> run(http::Client& client) {
    http::Request request = outbound->take_request();
    const auto destination = parse_authority(request.authority, request.scheme);
    if (!destination) {
      outbound->fail(http::ClientFailure::kRequestInvalid,
                     "the authority is not host or host:port");
      co_return;
    }
    if (rules->is_local(destination->host)) {
      LocalConnection connection;
      request.connection = &connection;
      request.authority = destination->host;
      http::Response response = co_await local->respond(request);
      co_return co_await outbound->respond(std::move(response));
    }
    if (!rules->allows(request.scheme, destination->host, destination->port)) {
      outbound->fail(http::ClientFailure::kDestinationProhibited,
                     "the manifest's allowed_outbound_hosts does not list this destination");
      co_return;
    }
    http::ClientOptions options = outbound->options();
    options.allow_address = [rules = rules, scheme = request.scheme, host = destination->host](
                                std::string_view address, uint16_t port) {
      return rules->allows_address(scheme, host, address, port);
    };
    auto response = co_await client.send(std::move(request), std::move(options));
    if (!response) {
      outbound->fail(response.error().failure, response.error().error.message);
      co_return;
    }
    co_await outbound->respond(std::move(*response));
  }
};

OutboundCalls::OutboundCalls(io::Executor executor, http::Client& client,
                             std::shared_ptr<http::Handler> local,
                             std::shared_ptr<const OutboundRules> rules)
    : executor_(executor), client_(client), local_(std::move(local)), rules_(std::move(rules)) {}

OutboundCalls::~OutboundCalls() {
  for (const auto& weak : calls_) {
    // Not from here: an invocation may be ended by one of its own calls.
    if (auto call = weak.lock()) {
      io::asio::post(executor_,
                     [call] { call->cancel.emit(io::asio::cancellation_type::terminal); });
    }
  }
}

void OutboundCalls::send(std::unique_ptr<engine::Outbound> outbound) {
  auto call = std::make_shared<Call>(std::move(outbound), local_, rules_);
  std::erase_if(calls_, [](const auto& weak) { return weak.expired(); });
  calls_.push_back(call);
  // Started from the loop: the guest is in the middle of its call.
  io::asio::post(executor_, [executor = executor_, call, &client = client_] {
    io::asio::co_spawn(
        executor,
        [](std::shared_ptr<Call> running, http::Client& through) -> io::Task<void> {
          co_await running->run(through);
        }(call, client),
        // Cancellation ends a coroutine by exception; there is nobody left to tell.
        io::asio::bind_cancellation_slot(call->cancel.slot(), [call](std::exception_ptr) {}));
  });
}

}  // namespace cusp::host
