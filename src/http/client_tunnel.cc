#include "http/client_tunnel.h"

#include <utility>

#include "http/client_watchdog.h"

namespace cusp::http {

namespace {

using io::Stream;

class ClientTunnel final : public Tunnel {
 public:
  ClientTunnel(io::Executor executor, Upstream upstream, std::string received,
               std::chrono::milliseconds idle_timeout)
      : upstream_(std::move(upstream)),
        received_(std::move(received)),
        idle_timeout_(idle_timeout),
        idle_(executor, [this] { cut(); }) {
    idle_.arm(idle_timeout_);
  }

  io::Task<Result<std::string>> read() override;
  io::Task<Result<>> write(std::string data) override;
  void end() override {
    if (!std::exchange(ended_, true) && !cut_) upstream_.stream->shutdown_write();
  }
  void cut() override {
    cut_ = true;
    idle_.disarm();
    upstream_.stream->close();
  }

 private:
  ssize_t receive();
  std::unexpected<Error> failed() const;

  Upstream upstream_;
  std::string received_;  // and not read
  const std::chrono::milliseconds idle_timeout_;
  Watchdog idle_;
  bool ended_ = false;
  bool cut_ = false;
};

// A function of its own: the scratch lies on the stack, not in the coroutine that waits.
ssize_t ClientTunnel::receive() {
  char scratch[limits::kBodyChunkBytes];
  const ssize_t size = upstream_.stream->try_read(scratch, sizeof(scratch));
  if (size > 0) received_.assign(scratch, static_cast<size_t>(size));
  return size;
}

io::Task<Result<std::string>> ClientTunnel::read() {
  while (received_.empty()) {
    if (cut_) co_return failed();
    const ssize_t size = receive();
    if (size > 0) break;
    if (size == Stream::kClosed) co_return std::string();
    if (size == Stream::kBroken || !co_await upstream_.stream->wait_read()) co_return failed();
  }
  if (!cut_) idle_.arm(idle_timeout_);
  co_return std::exchange(received_, {});
}

io::Task<Result<>> ClientTunnel::write(std::string data) {
  if (cut_ || !co_await io::write_all(*upstream_.stream, data)) co_return failed();
  if (!cut_) idle_.arm(idle_timeout_);
  co_return Result<>();
}

std::unexpected<Error> ClientTunnel::failed() const {
  if (idle_.expired()) return fail(ErrorCode::kDeadlineExceeded, "the tunnel was idle too long");
  return fail(ErrorCode::kCancelled, "the far end of the tunnel went away");
}

}  // namespace

std::unique_ptr<Tunnel> make_client_tunnel(io::Executor executor, Upstream upstream,
                                           std::string received,
                                           std::chrono::milliseconds idle_timeout) {
  return std::make_unique<ClientTunnel>(executor, std::move(upstream), std::move(received),
                                        idle_timeout);
}

}  // namespace cusp::http
