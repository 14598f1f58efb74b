#include "http/client_pool.h"

namespace cusp::http {

namespace {

// A peer that closed, or that sends what nobody asked for, is of no use. Reading also takes in what
// TLS sends after its handshake.
bool quiet(io::Stream& stream) {
  char unasked;
  return stream.try_read(&unasked, 1) == io::Stream::kWouldBlock;
}

}  // namespace

ClientPool::ClientPool(io::Executor executor) : watchdog_(executor, [this] { close_expired(); }) {}

std::optional<Upstream> ClientPool::take(const Origin& origin, const ClientOptions& options) {
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return std::nullopt;
  std::deque<Idle>& idle = found->second;
  std::optional<Upstream> taken;
  for (auto place = idle.end(); !taken && place != idle.begin();) {
    --place;
    // A name may lead elsewhere for a caller with other rules.
    const std::string& address = place->upstream.address;
    if (options.allow_address && !options.allow_address(address, origin.port)) continue;
    if (quiet(*place->upstream.stream)) taken = std::move(place->upstream);
    place = idle.erase(place);
  }
  if (idle.empty()) idle_.erase(found);
  return taken;
}

void ClientPool::put(const Origin& origin, Upstream upstream) {
  std::deque<Idle>& idle = idle_[origin];
  if (idle.size() == limits::kIdlePerOriginMax) idle.pop_front();
  const auto until = Watchdog::Clock::now() + limits::kIdleTimeout;
  idle.push_back({std::move(upstream), until});
  // One that is armed already is due earlier.
  if (idle_.size() == 1 && idle.size() == 1) watchdog_.arm(until);
}

void ClientPool::close_expired() {
  const auto now = Watchdog::Clock::now();
  auto next = Watchdog::Clock::time_point::max();
  for (auto place = idle_.begin(); place != idle_.end();) {
    std::deque<Idle>& idle = place->second;
    while (!idle.empty() && idle.front().until <= now) idle.pop_front();
    if (!idle.empty()) next = std::min(next, idle.front().until);
    place = idle.empty() ? idle_.erase(place) : std::next(place);
  }
  if (!idle_.empty()) watchdog_.arm(next);
}

}  // namespace cusp::http
