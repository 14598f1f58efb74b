#pragma once

#include <deque>
#include <map>
#include <memory>

#include "http/client_connect.h"
#include "http/client_watchdog.h"

namespace cusp::http {

// Idle connections of one shard's client, by origin. At most limits::kIdlePerOriginMax for each,
// closed after limits::kIdleTimeout.
class ClientPool {
 public:
  explicit ClientPool(io::Executor executor);

  // A connection that the peer has not closed as far as can be told now, the one used last; none
  // when there is none whose address `options` allow.
  std::optional<Upstream> take(const Origin& origin, const ClientOptions& options);
  void put(const Origin& origin, Upstream upstream);

 private:
  struct Idle {
    Upstream upstream;
    Watchdog::Clock::time_point until;
  };
  void close_expired();

  std::map<Origin, std::deque<Idle>> idle_;  // the oldest first
  Watchdog watchdog_;
};

}  // namespace cusp::http
