#include "http/client_pool.h"

#include <algorithm>

namespace cusp::http {

namespace {

// A peer that closed, or that sends what nobody asked for, is of no use. Reading also takes in what
// TLS sends after its handshake.
bool quiet(io::Stream& stream) {
  char unasked;
  return stream.try_read(&unasked, 1) == io::Stream::kWouldBlock;
}

}  // namespace

// Counts for as long as it lives: while its connection is made, used, idle or shared.
class ConnectionPlace {
 public:
  ConnectionPlace(std::weak_ptr<ClientPool> pool, Origin origin, bool may_be_h2)
      : pool_(std::move(pool)), origin_(std::move(origin)), undecided_(may_be_h2) {}
  ~ConnectionPlace() {
    const auto pool = pool_.lock();
    if (!pool) return;
    if (undecided_) pool->opened(origin_, true);  // nothing was learned
    pool->leave(origin_);
  }
  ConnectionPlace(const ConnectionPlace&) = delete;
  ConnectionPlace& operator=(const ConnectionPlace&) = delete;

  // It is known what the connection speaks.
  void opened(bool h2) {
    const auto pool = pool_.lock();
    if (std::exchange(undecided_, false) && pool) pool->opened(origin_, h2);
  }
  void has_room(ClientPool& pool) {
    if (undecided_) return opened(true);
    pool.room(origin_);
  }

 private:
  const std::weak_ptr<ClientPool> pool_;
  const Origin origin_;
  bool undecided_;
};

ClientPool::ClientPool(io::Executor executor)
    : executor_(executor), watchdog_(executor, [this] { close_expired(); }) {}

ClientPool::~ClientPool() {
  for (auto& [origin, connections] : origins_) {
    for (const auto& shared : connections.shared) shared->retire();
  }
}

std::optional<Lease> ClientPool::take(const RequestPlan& plan, const ClientOptions& options) {
  const auto found = origins_.find(plan.origin);
  if (found == origins_.end()) return std::nullopt;
  // A name may lead elsewhere for a caller with other rules.
  const auto allowed = [&](const std::string& address) {
    return !options.allow_address || options.allow_address(address, plan.origin.port);
  };
  if (plan.h2 != UseH2::kNo) {
    for (const auto& shared : found->second.shared) {
      if (shared->has_room() && allowed(shared->address())) return Lease{{}, shared, true};
    }
  }
  if (plan.h2 == UseH2::kOnly) return std::nullopt;
  // What is found to be closed goes at the end: that changes the list.
  std::vector<Upstream> closed;
  std::optional<Lease> lease;
  std::deque<Idle>& idle = found->second.idle;
  for (auto place = idle.end(); !lease && place != idle.begin();) {
    --place;
    if (!allowed(place->upstream.address)) continue;
    if (quiet(*place->upstream.stream)) {
      lease = Lease{std::move(place->upstream), nullptr, true};
    } else {
      closed.push_back(std::move(place->upstream));
    }
    place = idle.erase(place);
  }
  return lease;
}

std::shared_ptr<ConnectionPlace> ClientPool::reserve(const RequestPlan& plan,
                                                     const ClientOptions& options) {
  Connections& connections = origins_[plan.origin];
  const bool may_be_h2 =
      plan.h2 == UseH2::kOnly || (plan.h2 == UseH2::kIfAgreed && !connections.h1_only);
  if (may_be_h2 && connections.opening) return nullptr;
  if (connections.count >= std::max<size_t>(options.connections_max, 1)) {
    if (connections.idle.empty()) return nullptr;
    // One that this request cannot use makes room for one that it can.
    ++connections.count;
    const Idle oldest = std::move(connections.idle.front());
    connections.idle.pop_front();
  } else {
    ++connections.count;
  }
  connections.opening |= may_be_h2;
  return std::make_shared<ConnectionPlace>(weak_from_this(), plan.origin, may_be_h2);
}

io::Task<bool> ClientPool::wait(const Origin& origin, Clock::time_point deadline) {
  // A caller that is cancelled leaves the queue too.
  struct Waiting {
    ~Waiting() {
      const auto found = pool->origins_.find(origin);
      if (found != pool->origins_.end()) std::erase(found->second.waiting, &event);
      pool->forget_if_empty(origin);
    }
    const std::shared_ptr<ClientPool> pool;
    const Origin origin;
    io::Event event;
  };
  Waiting waiting{shared_from_this(), origin, io::Event(executor_)};
  origins_[origin].waiting.push_back(&waiting.event);
  co_return co_await waiting.event.wait_until(deadline);
}

Lease ClientPool::open(const RequestPlan& plan, Upstream upstream) {
  if (!upstream.speaks_h2(plan.h2)) {
    upstream.place->opened(false);
    return {std::move(upstream), nullptr, false};
  }
  // Others wait until it is known how many may share it: what the upstream refuses has perhaps lost
  // its body by then.
  auto room = [weak = weak_from_this(), place = std::weak_ptr(upstream.place)] {
    const auto pool = weak.lock();
    const auto held = place.lock();
    if (pool && held) held->has_room(*pool);
  };
  auto shared = H2Client::start(executor_, plan.origin, std::move(upstream), std::move(room));
  origins_[plan.origin].shared.push_back(shared);
  return {{}, std::move(shared), false};
}

// A connection of HTTP/2 may take one more request.
void ClientPool::room(const Origin& origin) {
  const auto found = origins_.find(origin);
  if (found != origins_.end()) wake(found->second, 1);
}

void ClientPool::put(const Origin& origin, Upstream upstream) {
  Connections& connections = origins_[origin];
  std::deque<Idle>& idle = connections.idle;
  const auto until = Clock::now() + limits::kIdleTimeout;
  idle.push_back({std::move(upstream), until});
  wake(connections, 1);
  watchdog_.arm_by(until);
  if (idle.size() <= limits::kIdlePerOriginMax) return;
  const Idle oldest = std::move(idle.front());
  idle.pop_front();
}

// A place was given back.
void ClientPool::leave(const Origin& origin) {
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return;
  Connections& connections = found->second;
  --connections.count;
  std::erase_if(connections.shared, [](const auto& shared) { return shared->ended(); });
  wake(connections, 1);
  forget_if_empty(origin);
}

// It is known what a connection speaks: whoever waited to share it goes on, one way or the other.
void ClientPool::opened(const Origin& origin, bool h2) {
  Connections& connections = origins_[origin];
  connections.opening = false;
  connections.h1_only = !h2;
  wake(connections, connections.waiting.size());
}

void ClientPool::wake(Connections& connections, size_t count) {
  for (; count > 0 && !connections.waiting.empty(); --count) {
    connections.waiting.front()->notify();
    connections.waiting.pop_front();
  }
}

void ClientPool::forget_if_empty(const Origin& origin) {
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return;
  if (found->second.count == 0 && found->second.waiting.empty()) origins_.erase(found);
}

void ClientPool::close_expired() {
  const auto now = Clock::now();
  auto next = Clock::time_point::max();
  std::vector<Idle> expired;  // destroyed at the end: that changes the map
  for (auto& [origin, connections] : origins_) {
    std::deque<Idle>& idle = connections.idle;
    for (; !idle.empty() && idle.front().until <= now; idle.pop_front())
      expired.push_back(std::move(idle.front()));
    if (!idle.empty()) next = std::min(next, idle.front().until);
  }
  if (next != Clock::time_point::max()) watchdog_.arm(next);
}

}  // namespace cusp::http
