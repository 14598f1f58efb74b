#include "node/ask.h"

#include <future>

#include "io/asio.h"
#include "io/shard.h"

namespace cusp::node {

namespace {

io::Task<Result<Answer>> ask_on(http::Client& client, http::Request request, size_t bytes_max,
                                http::ClientOptions options) {
  auto response = co_await client.send(std::move(request), std::move(options));
  if (!response) co_return std::unexpected(response.error().error);
  Answer answer{.status = response->status, .fields = std::move(response->fields)};
  CUSP_CO_TRY(answer.body, co_await http::read_all(response->body.get(), bytes_max));
  co_return answer;
}

}  // namespace

Result<http::Request> request_for(std::string method, const std::string& url) {
  http::Request request{.method = std::move(method)};
  const size_t scheme = url.find("://");
  if (scheme != url.npos) {
    const size_t path = url.find('/', scheme + 3);
    request.scheme = url.substr(0, scheme);
    request.authority = url.substr(scheme + 3, path == url.npos ? path : path - scheme - 3);
    request.target = path == url.npos ? "/" : url.substr(path);
  }
  if ((request.scheme != "http" && request.scheme != "https") || request.authority.empty()) {
    return fail(ErrorCode::kInvalidArgument, "not a URL of http or https", url);
  }
  return request;
}

// A loop of its own for the one exchange.
Result<Answer> ask(http::Request request, size_t bytes_max, AskOptions options) {
  std::promise<Result<Answer>> done;
  std::unique_ptr<http::Client> client;
  io::asio::cancellation_signal cancel;
  io::Shard shard(0);
  shard.run([&] {
    client = http::make_client(shard.executor());
    const auto ended = [&](std::exception_ptr cancelled, Result<Answer> answer) {
      if (cancelled) answer = fail(ErrorCode::kCancelled, "given up before the answer was there");
      done.set_value(std::move(answer));
    };
    io::asio::co_spawn(shard.executor(),
                       ask_on(*client, std::move(request), bytes_max, std::move(options.client)),
                       io::asio::bind_cancellation_slot(cancel.slot(), ended));
  });
  const auto answer = [&] {
    const std::stop_callback on_stop(options.stop, [&] {
      shard.post([&] { cancel.emit(io::asio::cancellation_type::terminal); });
    });
    return done.get_future().get();
  }();
  shard.run([&] { client.reset(); });
  return answer;
}

}  // namespace cusp::node
