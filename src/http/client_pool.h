#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "http/client_connect.h"
#include "http/client_h2.h"
#include "http/client_watchdog.h"
#include "io/event.h"

namespace cusp::http {

// What one request goes over: a connection of its own, or a share of one.
struct Lease {
  std::optional<Upstream> own;
  std::shared_ptr<H2Client> shared;  // with its other requests and its own coroutine
  bool used_before = false;
};

// The connections of one shard's client, by origin: idle ones of HTTP/1.1, at most
// limits::kIdlePerOriginMax for each and closed after limits::kIdleTimeout, those of HTTP/2, and
// the number of all.
class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  using Clock = Watchdog::Clock;

  explicit ClientPool(io::Executor executor);
  // Connections of HTTP/2 end with their last stream.
  ~ClientPool();

  // A connection with room that the peer has not closed as far as can be told now, the one used
  // last; none when there is none whose address `options` allow.
  std::optional<Lease> take(const RequestPlan& plan, const ClientOptions& options);

  // A place for a new connection; none while the origin has as many as `options` allow, or while
  // one is being made that the request may come to share.
  std::shared_ptr<ConnectionPlace> reserve(const RequestPlan& plan, const ClientOptions& options);
  // Returns when it is worth another try, false at `deadline`.
  io::Task<bool> wait(const Origin& origin, Clock::time_point deadline);

  // Turns a new connection, made in a reserved place, into what the request goes over.
  Lease open(const RequestPlan& plan, Upstream upstream);
  // Takes back an idle connection of HTTP/1.1.
  void put(const Origin& origin, Upstream upstream);

 private:
  friend class ConnectionPlace;
  struct Idle {
    Upstream upstream;
    Clock::time_point until;
  };
  struct Connections {
    std::deque<Idle> idle;  // the oldest first
    std::vector<std::shared_ptr<H2Client>> shared;
    size_t count = 0;
    bool opening = false;  // one that may turn out to be HTTP/2
    bool h1_only = false;  // as far as is known
    std::deque<io::Event*> waiting;
  };

  void leave(const Origin& origin);
  void opened(const Origin& origin, bool h2);
  void room(const Origin& origin);
  void wake(Connections& connections, size_t count);
  void forget_if_empty(const Origin& origin);
  void close_expired();

  io::Executor executor_;
  std::map<Origin, Connections> origins_;
  Watchdog watchdog_;
};

}  // namespace cusp::http
