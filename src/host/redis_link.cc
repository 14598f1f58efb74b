#include "host/redis_link.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "http/client_connect.h"

namespace cusp::host {

namespace {

constexpr auto kCommandTimeout = std::chrono::seconds(30);

std::unexpected<Error> gone(const http::Watchdog& watchdog) {
  return fail(ErrorCode::kUnavailable, watchdog.expired() ? "the server took too long"
                                                          : "the server has closed the connection");
}

}  // namespace

RedisLink::RedisLink(RedisAddress address, AllowAddress allow, io::Executor executor,
                     http::Connector& connector)
    : address_(std::move(address)),
      allow_(std::move(allow)),
      executor_(executor),
      connector_(connector) {}

io::Task<Result<>> RedisLink::connect() {
  http::RequestPlan plan;
  plan.origin = {.tls = address_.scheme == "rediss",
                 .host = address_.host,
                 .port = address_.port,
                 .server_name = address_.host};
  http::ClientOptions options;
  options.allow_address = allow_;
  const auto deadline = http::Watchdog::Clock::now() + limits::kConnectTimeout;
  auto upstream = co_await connector_.connect(plan, options, deadline);
  if (!upstream) co_return std::unexpected(std::move(upstream.error().error));
  stream_ = std::move(upstream->stream);
  if (closed_) co_return fail(ErrorCode::kUnavailable, "the connection is closed");
  if (!address_.password.empty()) {
    std::vector<std::string> words{"AUTH", address_.password};
    if (!address_.user.empty()) words.insert(words.begin() + 1, address_.user);
    CUSP_CO_CHECK(co_await prepare(format_redis_command(words), "the credentials"));
  }
  if (address_.database != 0) {
    const std::vector<std::string> words{"SELECT", std::to_string(address_.database)};
    CUSP_CO_CHECK(co_await prepare(format_redis_command(words), "the database"));
  }
  co_return Result<>();
}

io::Task<Result<>> RedisLink::prepare(std::string command, std::string_view what) {
  const auto reply = co_await exchange(command);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->error.empty()) co_return Result<>();
  co_return fail(ErrorCode::kPermissionDenied, fmt::format("the server refuses {}", what));
}

io::Task<Result<>> RedisLink::send(std::string command) {
  http::Watchdog watchdog(executor_, [this] { stream_->close(); });
  watchdog.arm(kCommandTimeout);
  if (!co_await io::write_all(*stream_, std::string_view(command))) co_return gone(watchdog);
  co_return Result<>();
}

io::Task<Result<RedisReply>> RedisLink::exchange(const std::string& command) {
  CUSP_CO_CHECK(co_await send(command));
  CUSP_CO_TRY(auto reply, co_await receive(kCommandTimeout));
  if (!reply) co_return fail(ErrorCode::kUnavailable, "the server took too long");
  if (!reader_.empty()) {
    co_return fail(ErrorCode::kInvalidArgument, "the server sent more than one reply");
  }
  co_return std::move(*reply);
}

io::Task<Result<std::optional<RedisReply>>> RedisLink::receive(std::chrono::milliseconds patience) {
  http::Watchdog watchdog(executor_, [this] { stream_->cancel_waits(); });
  watchdog.arm(patience);
  std::array<char, 16 * limits::kKiB> piece;
  while (true) {
    CUSP_CO_TRY(const bool whole, reader_.next());
    if (whole) co_return reader_.take();
    const ssize_t size = stream_->try_read(piece.data(), piece.size());
    if (size > 0) {
      CUSP_CO_CHECK(reader_.append({piece.data(), static_cast<size_t>(size)}));
    } else if (size != io::Stream::kWouldBlock) {
      co_return fail(ErrorCode::kUnavailable, "the server has closed the connection");
    } else if (!co_await stream_->wait_read()) {
      if (watchdog.expired() && !closed_) co_return std::nullopt;
      co_return fail(ErrorCode::kUnavailable, "the server has closed the connection");
    }
  }
}

void RedisLink::close() {
  closed_ = true;
  if (stream_) stream_->close();
}

}  // namespace cusp::host
