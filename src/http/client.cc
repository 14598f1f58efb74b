#include "http/client.h"

#include "http/client_h1.h"
#include "http/client_pool.h"

namespace cusp::http {

namespace {

// Methods that may be sent again when it is unknown whether the first try arrived (RFC 9110 section
// 9.2.2).
bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method == "PUT" || method == "DELETE";
}

class PooledClient final : public Client {
 public:
  explicit PooledClient(io::Executor executor)
      : executor_(executor), connector_(executor), pool_(std::make_shared<ClientPool>(executor)) {}

  io::Task<std::expected<Response, ClientError>> send(Request request,
                                                      ClientOptions options) override;

 private:
  io::Executor executor_;
  Connector connector_;
  std::shared_ptr<ClientPool> pool_;  // shared with nobody; weak for bodies that outlive the client
};

io::Task<std::expected<Response, ClientError>> PooledClient::send(Request request,
                                                                  ClientOptions options) {
  auto plan = plan_request(request);
  if (!plan) co_return std::unexpected(std::move(plan.error()));
  const H1Call call{
      .request = request,
      .plan = *plan,
      .options = options,
      .reuse = [weak = std::weak_ptr(pool_), origin = plan->origin](Upstream upstream) {
        if (const auto pool = weak.lock()) pool->put(origin, std::move(upstream));
      }};
  if (auto pooled = pool_->take(plan->origin, options)) {
    const bool repeatable = !request.body && idempotent(request.method);
    H1Answer answer = co_await exchange_h1(executor_, std::move(*pooled), call);
    if (answer.response || !answer.unanswered || !repeatable) co_return std::move(answer.response);
  }
  auto upstream = co_await connector_.connect(plan->origin, options);
  if (!upstream) co_return std::unexpected(std::move(upstream.error()));
  H1Answer answer = co_await exchange_h1(executor_, std::move(*upstream), call);
  co_return std::move(answer.response);
}

}  // namespace

std::unique_ptr<Client> make_client(io::Executor executor) {
  return std::make_unique<PooledClient>(executor);
}

}  // namespace cusp::http
