#include "io/resolver.h"

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>

#include "io/blocking_pool.h"

namespace cusp::io {

namespace {

using Addresses = std::vector<asio::ip::address>;

// A name server that does not answer holds its thread for many seconds; others still get through.
constexpr size_t kThreads = 4;

asio::ip::address unmapped(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

asio::ip::address address_of(const sockaddr& socket_address) {
  if (socket_address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(socket_address);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(socket_address);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return unmapped(asio::ip::address_v6(bytes, v6.sin6_scope_id));
}

Result<Addresses> look_up(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
    const bool absent = error == EAI_NONAME || error == EAI_NODATA;
    return fail(absent ? ErrorCode::kNotFound : ErrorCode::kUnavailable, ::gai_strerror(error));
  }
  Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    const auto address = address_of(*entry->ai_addr);
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return fail(ErrorCode::kNotFound, "the name has no address");
  return addresses;
}

// One lookup, shared by the coroutine that waits and the thread that works: either may end first.
struct Lookup {
  std::mutex mutex;
  bool abandoned = false;  // guarded by mutex: the shard may be gone, nothing is posted to it

  // The shard's.
  Timer* timer = nullptr;
  std::optional<Result<Addresses>> result;
};

// Leaves the lookup when the coroutine ends, in whatever way.
class Waiter {
 public:
  Waiter(Executor executor, Resolver::Clock::time_point deadline)
      : timer(executor, deadline), lookup(std::make_shared<Lookup>()) {
    lookup->timer = &timer;
  }
  ~Waiter() {
    lookup->timer = nullptr;
    const std::lock_guard lock(lookup->mutex);
    lookup->abandoned = true;
  }

  Timer timer;
  std::shared_ptr<Lookup> lookup;  // shared: see Lookup
};

void work(const std::shared_ptr<Lookup>& lookup, const std::string& host, Executor executor) {
  {
    const std::lock_guard lock(lookup->mutex);
    if (lookup->abandoned) return;
  }
  auto result = look_up(host);
  const std::lock_guard lock(lookup->mutex);
  if (lookup->abandoned) return;
  asio::post(executor, [lookup, result = std::move(result)]() mutable {
    if (lookup->timer == nullptr) return;
    lookup->result = std::move(result);
    lookup->timer->cancel();
  });
}

}  // namespace

struct Resolver::Pool {
  BlockingPool threads{kThreads};
};

Resolver::Resolver(Executor executor) : executor_(executor) {}
Resolver::~Resolver() = default;

Task<Result<Addresses>> Resolver::resolve(std::string host, Clock::time_point deadline) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Addresses{unmapped(literal)};

  if (!pool_) pool_ = std::make_unique<Pool>();
  Waiter waiter(executor_, deadline);
  pool_->threads.post([lookup = waiter.lookup, host = std::move(host), executor = executor_] {
    work(lookup, host, executor);
  });
  co_await waiter.timer.async_wait(use_task);
  if (!waiter.lookup->result) {
    co_return fail(ErrorCode::kDeadlineExceeded, "the name servers took too long");
  }
  co_return std::move(*waiter.lookup->result);
}

}  // namespace cusp::io
