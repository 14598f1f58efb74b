#include <utility>

#include "http/h1_connection.h"

// A connection after its 101: what comes in goes to the tunnel and the other way round, each way in
// a coroutine of its own and no faster than the receiving side takes it.
namespace cusp::http {

using io::Stream;

// Shared by the two.
struct H1Session::Joined {
  Joined(std::unique_ptr<Tunnel> far_end, io::Executor executor)
      : tunnel(std::move(far_end)), answers_ended(executor) {}

  const std::unique_ptr<Tunnel> tunnel;
  io::Event answers_ended;
};

io::Task<void> H1Session::run_tunnel(Response response) {
  write_switch_head(response.fields, request_->upgrade, out_);
  if (!co_await flush()) co_return;
  disarm_write();
  std::string().swap(out_);
  const auto joined = std::make_shared<Joined>(std::move(response.tunnel), server_.executor);
  tunnel_ = joined->tunnel.get();
  // It does not own the session: this coroutine waits for it, and when the loop is destroyed with
  // both of them, nothing of a server may last longer than its first coroutine.
  io::asio::co_spawn(
      server_.executor,
      [](H1Session& self, std::shared_ptr<Joined> both) -> io::Task<void> {
        co_await self.pass_answers(*both->tunnel);
        both->answers_ended.notify();
      }(*this, joined),
      io::asio::detached);
  co_await pass_bytes(*joined->tunnel);
  co_await joined->answers_ended.wait();
  tunnel_ = nullptr;
}

// What the client sends, first the bytes that came right behind its request.
io::Task<void> H1Session::pass_bytes(Tunnel& tunnel) {
  while (true) {
    std::string data(input_.unread());
    input_.consume(data.size());
    arm_read(server_.limits.tunnel_idle_timeout);
    if (!data.empty()) {
      if (co_await tunnel.write(std::move(data))) continue;
      co_return abort();
    }
    const ssize_t size = input_.fill(*stream_, server_.scratch);
    if (size > 0) continue;
    if (size == Stream::kClosed) co_return tunnel.end();
    if (size == Stream::kBroken || !co_await stream_->wait_read()) co_return abort();
  }
}

io::Task<void> H1Session::pass_answers(Tunnel& tunnel) {
  while (true) {
    const auto data = co_await tunnel.read();
    if (!data) co_return abort();
    if (data->empty()) co_return stream_->shutdown_write();
    arm_read(server_.limits.tunnel_idle_timeout);
    if (!co_await io::write_all(*stream_, *data)) co_return abort();
  }
}

}  // namespace cusp::http
