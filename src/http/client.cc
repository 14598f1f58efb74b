#include "http/client.h"

#include "http/client_exchange.h"
#include "http/client_h1.h"
#include "http/client_pool.h"

namespace cusp::http {

namespace {

// How often one request is sent at most.
constexpr int kTriesMax = 3;

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
  io::Task<std::expected<Lease, ClientError>> lease(const RequestPlan& plan,
                                                    const ClientOptions& options, bool fresh);
  io::Task<ClientAnswer> exchange(Lease lease, ClientCall call);

  io::Executor executor_;
  Connector connector_;
  std::shared_ptr<ClientPool> pool_;  // shared with nobody; weak for what outlives the client
};

io::Task<std::expected<Response, ClientError>> PooledClient::send(Request request,
                                                                  ClientOptions options) {
  auto plan = plan_request(request, options);
  if (!plan) co_return std::unexpected(std::move(plan.error()));
  const bool repeatable = !request.body && idempotent(request.method);
  for (int tries = 1;; ++tries) {
    auto leased = co_await lease(*plan, options, tries > 1);
    if (!leased) co_return std::unexpected(std::move(leased.error()));
    const bool used_before = leased->used_before;
    ClientAnswer answer =
        co_await exchange(std::move(*leased), ClientCall{request, *plan, options});
    const bool again = answer.again == Again::kIfIdempotent ? repeatable && used_before
                                                            : answer.again != Again::kNever;
    if (answer.response || !again || tries == kTriesMax) co_return std::move(answer.response);
    if (answer.again == Again::kOverHttp1) plan->h2 = UseH2::kNo;
  }
}

// A connection with room for the request; a `fresh` one, if it may be had at all, when one of the
// others has let the request down.
io::Task<std::expected<Lease, ClientError>> PooledClient::lease(const RequestPlan& plan,
                                                                const ClientOptions& options,
                                                                bool fresh) {
  const auto deadline = Watchdog::Clock::now() + options.connect_timeout;
  while (true) {
    if (!std::exchange(fresh, false)) {
      if (auto taken = pool_->take(plan, options)) co_return std::move(*taken);
    }
    if (auto place = pool_->reserve(plan, options)) {
      auto upstream = co_await connector_.connect(plan, options, deadline);
      if (!upstream) co_return std::unexpected(std::move(upstream.error()));
      upstream->place = std::move(place);
      co_return pool_->open(plan, std::move(*upstream));
    }
    if (auto taken = pool_->take(plan, options)) co_return std::move(*taken);
    if (!co_await pool_->wait(plan.origin, deadline)) {
      co_return std::unexpected(client_error(ClientFailure::kConnectionTimeout, plan.origin,
                                             "no connection became free in time"));
    }
  }
}

io::Task<ClientAnswer> PooledClient::exchange(Lease lease, ClientCall call) {
  if (lease.shared) co_return co_await exchange_h2(executor_, std::move(lease.shared), call);
  auto reuse = [weak = std::weak_ptr(pool_), origin = call.plan.origin](Upstream upstream) {
    if (const auto pool = weak.lock()) pool->put(origin, std::move(upstream));
  };
  co_return co_await exchange_h1(executor_, std::move(*lease.own), call, std::move(reuse));
}

}  // namespace

std::unique_ptr<Client> make_client(io::Executor executor) {
  return std::make_unique<PooledClient>(executor);
}

}  // namespace cusp::http
